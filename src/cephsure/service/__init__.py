"""The service: other software sends films over HTTP and is answered as the command line answers.

Install it with ``pip install "cephsure[serve]"``; ``cephsure serve`` starts it, `docs/api.md` describes it.
"""
