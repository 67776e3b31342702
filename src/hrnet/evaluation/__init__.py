"""Evaluation of predictors on data sets, with the prediction code that users run."""
