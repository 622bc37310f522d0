"""What several test files share: the ontology, the released model, our corpus."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from tokenizers import Tokenizer

from tocsin.data.corpus import load_split
from tocsin.data.ontology import Ontology, load_ontology
from tocsin.data.records import LabelledSentence
from tocsin.model.pipeline import Pipeline
from tocsin.model.runtime import RELEASED_DIR, load_release
from tocsin.model.vocabulary import trim

settings.register_profile("untimed", deadline=None)  # a busy machine is no failure
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def ontology() -> Ontology:
    return load_ontology()


@pytest.fixture(scope="session")
def release() -> Pipeline:
    return load_release()


@pytest.fixture(scope="session")
def dev(release: Pipeline) -> list[LabelledSentence]:
    """The dev split in the released model's languages."""
    return [sentence for sentence in load_split("dev") if sentence.lang in release.settings.languages]


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random BERT, as `AutoModel` finds it; its tokenizer is the released one, without the pieces
    that our dev sentences do without (what is trained in a test is mostly its embeddings)."""
    import torch
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("backbone")
    released = Tokenizer.from_file(str(RELEASED_DIR / "tokenizer.json"))
    encodings = released.encode_batch([sentence.text for sentence in load_split("dev")])
    seen = {token for encoding in encodings for token in encoding.tokens} | {"<s>", "<pad>", "</s>", "<unk>"}
    tokenizer = trim(released, sorted(id for token, id in released.get_vocab().items() if token in seen))
    pad = tokenizer.token_to_id("<pad>")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=256,
        pad_token_id=pad,
    )
    BertModel(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(folder)
    return folder
