"""What ``scripts/bench`` measures with. README.md beside this file says what is compared, and how.

`cases` what is asked · `work` how a contender is told and tells · `ours` `shared` `naive` `floor` the contenders, each in a process of its
own · `server` the synthetic AWS they ask · `measure` runs them and takes medians · `results` figures -> tables · `aims` what should be
reached.
"""
