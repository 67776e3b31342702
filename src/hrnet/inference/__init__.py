"""From what the user gives (pictures, folders, videos, cameras) to poses, pictures and files."""
