"""Files of others, for an app that many may reach: each is read in a child process with limits.

Import `asking`; children import `inside`, and so wait for no more than they need.
"""
