"""The review page: a server on this machine, where people look through films, correct and accept.

It needs the extra ``review``. `cephsure.review.serve` starts it; `docs/review-api.md` says what it answers.
"""
