"""May this account be read? Who may assume its role, and what the role lets us do, is judged before it is used."""
