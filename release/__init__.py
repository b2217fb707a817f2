"""What `make release` does: one version everywhere, the changelog cut, everything built, checked and summed up.

It commits, tags and publishes nothing: that is for a person, and for the workflow that a tag starts. Begin with
``__main__``; ``versions`` knows where a version stands, ``changelog`` cuts, ``artifacts`` builds, ``materials`` lists
what it is made of, ``checks`` tries what was built in fresh environments.
"""
