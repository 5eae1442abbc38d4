"""A stand-in for the Replicate API: predictions that live, end and tell their webhooks."""
