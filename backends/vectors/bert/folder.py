"""A folder that holds an embedding model, as sentence-transformers saves one of MiniLM's kind, read and judged.

A setting that would change the vectors is either followed or refused by name: a model that runs otherwise than it was
trained gives vectors that look like good ones.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeAlias, TypeVar

from pydantic import BaseModel, RootModel, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load
from tokenizers import Tokenizer

from backends.vectors.bert.encoder import Bert, BertConfig, Tensors
from backends.vectors.contracts import Purpose
from core.errors import InvalidInput

Pooling: TypeAlias = Literal["mean", "cls"]

_MARKS = 2  # [CLS] and [SEP]
_MODULES = ("Transformer", "Pooling", "Normalize")
_Settings = TypeVar("_Settings", bound=BaseModel)


class _Sentences(BaseModel):
    max_seq_length: int | None = None
    do_lower_case: bool = False


class _Prompts(BaseModel):
    prompts: dict[str, str] = {}


class _Module(BaseModel):
    type: str


_Modules = RootModel[list[_Module]]


class _Pooling(BaseModel, extra="allow"):
    """Flags by mode; older files lack the newer modes."""

    pooling_mode_mean_tokens: bool = False
    pooling_mode_cls_token: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """A model that can be run. `tokenizer` cuts what is too long; `prompts` are what stands in front of a text.

    `fingerprint` tells it from any other model, and from the same one with other settings.
    """

    bert: Bert
    tokenizer: Tokenizer
    width: int
    pooling: Pooling
    lower_case: bool
    prompts: dict[Purpose, str]
    fingerprint: str

    @classmethod
    def read(cls, folder: Path) -> "ModelFolder":
        """From config.json, model.safetensors and tokenizer.json, and, as far as they are there, modules.json,
        1_Pooling/config.json, sentence_bert_config.json and config_sentence_transformers.json.

        Raises InvalidInput that names what is missing or not supported.
        """
        config = _settings(folder / "config.json", BertConfig)
        sentences = _settings(folder / "sentence_bert_config.json", _Sentences, _Sentences())
        prompts = _settings(folder / "config_sentence_transformers.json", _Prompts, _Prompts()).prompts
        pooling, weights, tokenizer = _pooling(folder), _bytes(folder / "model.safetensors"), folder / "tokenizer.json"
        longest = min(sentences.max_seq_length or config.max_position_embeddings, config.max_position_embeddings)
        parts = [weights, _bytes(tokenizer), repr((config, sentences, prompts, pooling)).encode()]
        return cls(
            bert=Bert(config, _tensors(weights)),
            tokenizer=_tokenizer(tokenizer, longest, config.vocab_size),
            width=config.hidden_size,
            pooling=pooling,
            lower_case=sentences.do_lower_case,
            prompts={
                "query": prompts.get("query", ""),
                "passage": prompts.get("document", prompts.get("passage", "")),
            },
            fingerprint=sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:12],
        )


def _settings(path: Path, of: type[_Settings], absent: _Settings | None = None) -> _Settings:
    """What a JSON file says; `absent`, if given, when the file is missing."""
    if absent is not None and not path.exists():
        return absent
    try:
        return of.model_validate_json(_bytes(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ": ".join([path.name, *map(str, first["loc"])])
        raise InvalidInput(f"{where}: {first['msg']}") from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        needed = "a model's folder holds config.json, model.safetensors and tokenizer.json"
        raise InvalidInput(f"{path} is missing: {needed}") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror})") from error


def _pooling(folder: Path) -> Pooling:
    modules = _settings(folder / "modules.json", _Modules, _Modules([])).root
    if unknown := {kind for module in modules if (kind := module.type.rpartition(".")[2]) not in _MODULES}:
        raise InvalidInput(
            f"modules.json: {', '.join(sorted(unknown))} is not supported: {', '.join(sorted(_MODULES))}"
        )
    mean = _Pooling(pooling_mode_mean_tokens=True)
    given = _settings(folder / "1_Pooling" / "config.json", _Pooling, mean)
    modes = {name for name, value in given if name.startswith("pooling_mode") and value}
    match sorted(modes):
        case ["pooling_mode_mean_tokens"]:
            return "mean"
        case ["pooling_mode_cls_token"]:
            return "cls"
        case other:
            raise InvalidInput(f"1_Pooling/config.json: mean or cls is supported, not {', '.join(other) or 'none'}")


def _tensors(weights: bytes) -> Tensors:
    try:
        return Tensors(load(weights))
    except (SafetensorError, KeyError, TypeError, AttributeError) as error:  # numpy has no name for bfloat16
        raise InvalidInput("model.safetensors does not hold float32 or float16 tensors") from error


def _tokenizer(path: Path, longest: int, rows: int) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_buffer(_bytes(path))
    except InvalidInput:
        raise
    except Exception as error:  # the library raises nothing more precise
        raise InvalidInput(f"{path} is not a tokenizer of the tokenizers package") from error
    if tokenizer.num_special_tokens_to_add(is_pair=False) != _MARKS:
        raise InvalidInput(f"{path} does not put [CLS] and [SEP] around a text")
    if max(tokenizer.get_vocab(with_added_tokens=True).values()) >= rows:
        raise InvalidInput(f"{path} has more tokens than the model, whose vocab_size is {rows}")
    if longest <= _MARKS:
        raise InvalidInput(f"sentence_bert_config.json: max_seq_length is {longest}, which leaves no token for a text")
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    return tokenizer
