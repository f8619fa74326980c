"""Everything that speaks to AWS: who we are there, which accounts and regions there are, and the gateway every call goes through."""
