"""What the errors of many servers mean by their words, each in the words of the server that says them."""

import pytest

from backends.models.error_words import code_by_words
from backends.models.failures import failure

TOO_LARGE = [
    (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."),
    (400, "The prompt (total length 9000) is too long to fit into the model (context length 8192)."),
    (400, "The decoder prompt (length 40000) is longer than the maximum model length of 32768."),
    (400, "max_tokens must be at least 1, got -193."),
    (400, "the request exceeds the available context size. try increasing the context size"),
    (500, "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with 4096"),
    (400, "Reached context length of 4096 tokens with this model"),
    (400, "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"),
    (400, "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575)."),
    (400, "Input length 9000 exceeds the maximum length 8192"),
    (400, "Input length (9000) exceeds model's maximum context length (8192)."),
    (400, "The input (9000 tokens) is longer than the model's context length (8192 tokens)."),
    (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens"),
    (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081"),
    (400, "Input is too long for requested model."),
    (400, "prompt is too long: 210000 tokens > 200000 maximum"),
    (400, "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
    (400, "This model's maximum prompt length is 131072 but the request contains 537812 tokens."),
    (400, "Please reduce the length of the messages or completion."),
    (400, "Range of input length should be [1, 30720]"),
    (400, "Invalid request: Your request exceeded model token limit: 8192"),
    (400, "prompt too long; exceeded max context length by 5 tokens"),
    (400, "The input exceeds the context window of this model."),
    (422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 1200"),
    (429, "Request too large for m in organization x on tokens per min (TPM): Limit 6000, Requested 9000"),
]
OTHERS = [
    (400, "max_tokens is too large: 100000. This model supports at most 4096 completion tokens.", None),
    (400, "temperature must be between 0 and 2", None),
    (400, "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64.", None),
    (401, "The context window is none of your business", None),
    (429, "Rate limit reached for m: too many tokens per minute", None),
    (500, "The server had an error while processing your request.", None),
    (504, "The request took too long.", None),
    (500, "Processing the input took too long.", None),
    (404, "model 'm' not found, try pulling it first", None),
    (400, "The response was filtered due to the prompt triggering the content management policy.", "refusal"),
    (400, "Output blocked by content filtering policy", "refusal"),
    (400, "Output data may contain inappropriate content.", "refusal"),
    (403, "Your chosen model requires moderation and your input was flagged for hate", "refusal"),
    (403, "You may not use this model.", None),
    (400, "Your credit balance is too low to access the API.", "quota"),
    (400, "Content Exists Risk", "refusal"),
    (403, "Your team has run out of credits or reached its monthly spending limit", "quota"),
    (429, "You have exceeded your monthly included credits for Inference Providers.", "quota"),
    (400, "Budget has been exceeded! Current cost: 1, Max budget: 0.5", "quota"),
    (400, "An error occurred (ThrottlingException): Too many requests, please wait before trying again.", "overloaded"),
    (500, "ThrottlingException: Too many tokens, please wait before trying again.", "overloaded"),
    (400, "API key not valid. Please pass a valid API key.", "auth"),
    (400, "{'error': 'Violated guardrail policy', 'bedrock_guardrail_response': 'Sorry'}", "refusal"),
    (400, "Prompt was blocked due to safety policy", "refusal"),
    (403, "This request has been blocked by our content filters.", "refusal"),
    (400, "Model is overloaded, try again in a moment", "overloaded"),
    (400, "The model is currently loading", "overloaded"),
    (503, "no available server", "overloaded"),
    (402, "This request requires more credits, or fewer max_tokens.", "quota"),
    (429, "You exceeded your current quota, please check your plan and billing details.", "quota"),
    (429, "Rate limit reached for requests per minute.", None),
    (400, "No API key provided.", "auth"),
    (400, "The security token included in the request is invalid.", "auth"),
    (400, "The model `m` does not exist or you do not have access to it.", None),
    (400, "Invalid tool name: blocked_dates", None),
    (400, "'token' is an unknown field", None),
]


@pytest.mark.parametrize(("status", "message"), TOO_LARGE)
def test_a_request_longer_than_the_context_is_known_in_the_words_of_many_servers(status, message):
    assert code_by_words(status, [], message) == "too_large"


@pytest.mark.parametrize(("status", "message", "code"), OTHERS)
def test_other_words_mean_something_else_or_nothing(status, message, code):
    assert code_by_words(status, [], message) == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("content_filter", "refusal"),
        ("ResponsibleAIPolicyViolation", "refusal"),
        ("context_length_exceeded", "too_large"),
        ("insufficient_quota", "quota"),
        ("invalid_value", None),
    ],
)
def test_a_name_counts_in_any_case_and_at_any_status(name, code):
    assert code_by_words(400, ["invalid_request_error", name], "") == code
    assert code_by_words(500, [name], "") == code


def test_a_call_that_the_model_could_not_write_is_asked_for_again():
    assert code_by_words(400, ["tool_use_failed"], "Failed to call a function.") == "protocol"
    assert failure("protocol", "?", "tool_use_failed", None, {}).retryable
    assert not failure("protocol", "?", "moved", None, {}).retryable


@pytest.mark.parametrize(
    "name",
    [
        "insufficient_quota",
        "ResponsibleAIPolicyViolation",
        "1301",
        "ThrottlingException",
        "invalid-api-key",
        "Arrearage",
    ],
)
def test_the_name_of_an_error_is_repeated(name):
    assert name in str(failure("auth", "the provider answered HTTP 400", name, None, {}))


@pytest.mark.parametrize(
    "name",
    [
        "sk-abcdefghijklmnop",
        "sk-proj-Ab3dEf9hIjKl",
        "hf_AbCdEfGhIjKlMnOpQr",
        "gsk_abcdefghij",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln",
        "AKIA1234567890ABCDEF",
        "dGhpc2lzYXNlY3JldA",
        "9f86d081884c7d659a2feaa0c55ad015",
        "1234567890123456",
        "the-employee-has-asked-about-a-divorce-and-a-garnishment-of-wages",
        "a" * 100,
        "two words",
        "",
    ],
)
def test_a_key_or_a_sentence_in_place_of_a_name_is_not_repeated(name):
    assert str(failure("auth", "the provider answered HTTP 400", name, None, {})).endswith(
        "the provider answered HTTP 400"
    )
