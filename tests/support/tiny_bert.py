"""A BERT of 8 numbers a token with random weights, written to a folder, and the same model as plain loops.

The loops follow the paper and `math.erf`, number by number and text by text, and share nothing with
`backends.vectors.bert.encoder`.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = [
    *("leave", "holiday", "pay", "sick", "days", "week", "notice", "pension", "travel", "train"),
    *("the", "of", "a", "is", "how", "many", "do", "i", "get", "?", "."),
]
VOCABULARY = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "##s", "##ing", *WORDS])}
WIDTH, INNER, HEADS, LAYERS, PLACES = 8, 20, 2, 3, 24
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": len(VOCABULARY),
    "hidden_size": WIDTH,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "max_position_embeddings": PLACES,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
}

Tensors = dict[str, NDArray[np.float32]]
Row = list[float]


def weights(seed: int = 7) -> Tensors:
    """Random tensors under the names that BERT's files use; of such sizes that a text's words decide its vector."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (PLACES, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for n in range(LAYERS):
        name = f"encoder.layer.{n}"
        linear = {"attention.self.query": (WIDTH, WIDTH), "attention.self.key": (WIDTH, WIDTH)}
        linear |= {"attention.self.value": (WIDTH, WIDTH), "attention.output.dense": (WIDTH, WIDTH)}
        linear |= {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
        for part, shape in linear.items():
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
    found = {name: random.normal(0, 1 if "embeddings" in name else 0.3, shape) for name, shape in shapes.items()}
    for norm in norms:
        found |= {f"{norm}.weight": random.normal(1, 0.2, WIDTH), f"{norm}.bias": random.normal(0, 0.2, WIDTH)}
    return {name: tensor.astype(np.float32) for name, tensor in found.items()}


def write(folder: Path, tensors: Tensors, *, config: dict[str, object] | None = None) -> Path:
    """The model's three files, as they are published."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | (config or {})))
    save_file(tensors, folder / "model.safetensors")
    tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def tokenizer() -> Tokenizer:
    """A WordPiece tokenizer that, as published ones do, would pad and cut every text to its own liking."""
    made = Tokenizer(models.WordPiece(VOCABULARY, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    marks = [("[CLS]", VOCABULARY["[CLS]"]), ("[SEP]", VOCABULARY["[SEP]"])]
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    made.enable_truncation(6)
    made.enable_padding(length=6)
    return made


def vectors(tensors: Tensors, ids: Sequence[int]) -> list[Row]:
    """The last layer's rows for the tokens of one text."""
    words, places, kinds = (
        tensors[f"embeddings.{part}_embeddings.weight"].tolist() for part in ("word", "position", "token_type")
    )
    rows = [[words[id][i] + places[at][i] + kinds[0][i] for i in range(WIDTH)] for at, id in enumerate(ids)]
    rows = [_norm(tensors, "embeddings.LayerNorm", row) for row in rows]
    for n in range(LAYERS):
        rows = _layer(tensors, f"encoder.layer.{n}", rows)
    return rows


def _layer(tensors: Tensors, name: str, rows: list[Row]) -> list[Row]:
    query, key, value = (
        [_linear(tensors, f"{name}.attention.self.{part}", row) for row in rows] for part in ("query", "key", "value")
    )
    size = WIDTH // HEADS
    heads = [range(head * size, (head + 1) * size) for head in range(HEADS)]
    out = []
    for n, row in enumerate(rows):
        mixed = [0.0] * WIDTH
        for head in heads:
            scores = [sum(query[n][i] * other[i] for i in head) / math.sqrt(size) for other in key]
            powers = [math.exp(score) for score in scores]
            for i in head:
                mixed[i] = sum(power * other[i] for power, other in zip(powers, value, strict=True)) / sum(powers)
        attended = _linear(tensors, f"{name}.attention.output.dense", mixed)
        attended = _norm(tensors, f"{name}.attention.output.LayerNorm", _sum(attended, row))
        wide = [_gelu(x) for x in _linear(tensors, f"{name}.intermediate.dense", attended)]
        narrow = _linear(tensors, f"{name}.output.dense", wide)
        out.append(_norm(tensors, f"{name}.output.LayerNorm", _sum(narrow, attended)))
    return out


def _linear(tensors: Tensors, name: str, row: Row) -> Row:
    weight, bias = tensors[f"{name}.weight"].tolist(), tensors[f"{name}.bias"].tolist()
    return [sum(w * x for w, x in zip(line, row, strict=True)) + b for line, b in zip(weight, bias, strict=True)]


def _norm(tensors: Tensors, name: str, row: Row) -> Row:
    mean = sum(row) / len(row)
    deviation = math.sqrt(sum((x - mean) ** 2 for x in row) / len(row) + 1e-12)
    weight, bias = tensors[f"{name}.weight"].tolist(), tensors[f"{name}.bias"].tolist()
    return [(x - mean) / deviation * w + b for x, w, b in zip(row, weight, bias, strict=True)]


def _sum(one: Row, other: Row) -> Row:
    return [a + b for a, b in zip(one, other, strict=True)]


def _gelu(x: float) -> float:
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))
