"""What the SDK of OpenAI raised: the one place that turns its errors into ModelError."""

import openai

from backends.models.failures import SdkErrors, refused, unanswered
from core.errors import ModelError

_SDK = SdkErrors(
    base=openai.OpenAIError,
    timeout=openai.APITimeoutError,
    unreadable=openai.APIResponseValidationError,
    connection=openai.APIConnectionError,
)


def translated(error: Exception, unknown_path: str = "") -> ModelError:
    """What the SDK, or the HTTP client below it, raised. `unknown_path` is what to do if the server lacks the path."""
    if not isinstance(error, openai.APIStatusError):
        return unanswered(error, _SDK)
    return refused(error.status_code, error.body, error.response.headers, error.request_id, unknown_path)
