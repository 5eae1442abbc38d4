"""A stand-in for the ComfyDeploy API: runs that live, end and tell their webhooks."""
