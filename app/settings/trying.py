"""The order that a newcomer tries first: it works as it stands where everybody is a stand-in."""

from typing import Final

EXAMPLE: Final = """\
{"engine":"comfydeploy","deployment_id":"c0a8f3d2-1b7e-4f65-8d39-2a4b6c8e0f11",\
"inputs":{"prompt":"a lighthouse at dusk"},"metadata":{"telegramChatId":4711,\
"costRate":{"amount":"0.000337","unit":"second"}}}"""
"""The JSON of an order."""
