"""One card a paper: the claim, the published number, the baseline, ours."""
