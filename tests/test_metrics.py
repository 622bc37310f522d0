"""Our metrics against independent oracles: seqeval and scikit-learn, on random labels."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching
from seqeval.metrics import classification_report
from seqeval.metrics import f1_score as seqeval_f1
from seqeval.scheme import IOB2
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    brier_score_loss,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from tocsin.data.ontology import Ontology, load_ontology
from tocsin.data.records import Annotated, Event, LabelledSentence, Prediction, Span
from tocsin.evaluate.calibration import calibration_figures
from tocsin.evaluate.gate import compare, least_drops
from tocsin.evaluate.metrics import (
    Counts,
    MismatchError,
    frequent_macro_f1,
    label_counts,
    macro_f1,
    micro,
    overlap_span_counts,
    overlapping_pairs,
    primary_accuracy,
    primary_confusion,
    span_counts,
    weighted_f1,
)
from tocsin.evaluate.peers.tfidf import TfidfPeer
from tocsin.evaluate.ranking import average_precision, coverage_risk, mean_average_precision
from tocsin.evaluate.scores import score
from tocsin.evaluate.thresholds import best_threshold
from tocsin.model.pipeline import Pipeline

LABELS = ["a", "b", "c", "d"]
label_sets = st.lists(st.tuples(st.sets(st.sampled_from(LABELS)), st.sets(st.sampled_from(LABELS))), min_size=1)


@given(label_sets)
def test_multi_label_f1_is_scikit_learns(pairs: list[tuple[set[str], set[str]]]) -> None:
    gold, predicted = [list(g) for g, _ in pairs], [list(p) for _, p in pairs]
    counts = label_counts(gold, predicted)
    used = sorted(counts)
    if not used:
        assert micro(counts).f1 == macro_f1(counts) == 0
        return
    # A column that is never used: scikit-learn reads a single column as two classes.
    g, p = (np.array([[*(label in row for label in used), False] for row in side]) for side in (gold, predicted))
    assert micro(counts).f1 == pytest.approx(f1_score(g, p, average="micro", zero_division=0))
    oracle = precision_recall_fscore_support(g, p, average=None, zero_division=0)
    assert macro_f1(counts) == pytest.approx(np.mean(oracle[2][:-1]))
    for i, label in enumerate(used):
        ours = (counts[label].precision, counts[label].recall, counts[label].f1, counts[label].gold)
        assert ours == pytest.approx([column[i] for column in oracle])


def random_tags(rng: random.Random, length: int) -> list[str]:
    tags, i = ["O"] * length, 0
    while i < length:
        if rng.random() < 0.4:
            label, size = rng.choice(LABELS), rng.randint(1, 3)
            tags[i : i + size] = [f"B-{label}", *[f"I-{label}"] * (min(size, length - i) - 1)]
            i += size
        i += 1
    return tags[:length]


def spans_of(tags: list[str]) -> list[Span]:
    spans: list[Span] = []
    for i, tag in enumerate(tags):
        if tag[0] == "B":
            spans.append(Span(i, i + 1, tag[2:], "x"))
        elif tag[0] == "I":
            spans[-1] = Span(spans[-1].start, i + 1, tag[2:], "x")
    return spans


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_strict_span_f1_is_seqevals_strict_mode(seed: int) -> None:
    rng = random.Random(seed)
    gold = [random_tags(rng, rng.randint(1, 12)) for _ in range(20)]
    predicted = [tags if rng.random() < 0.5 else random_tags(rng, len(tags)) for tags in gold]
    counts = span_counts([spans_of(t) for t in gold], [spans_of(t) for t in predicted])
    strict = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    assert micro(counts).f1 == pytest.approx(seqeval_f1(gold, predicted, **strict))
    oracle = classification_report(gold, predicted, output_dict=True, **strict)
    assert oracle.keys() - counts.keys() == {"micro avg", "macro avg", "weighted avg"}
    for label, ours in counts.items():
        theirs = oracle[label]
        assert (ours.precision, ours.recall, ours.f1) == pytest.approx(
            (theirs["precision"], theirs["recall"], theirs["f1-score"])
        )
        assert ours.gold == theirs["support"]


def prediction(sentence: LabelledSentence) -> Prediction:
    return Prediction(sentence.id, "d", 0, 0, 1, sentence.lang, sentence.text, (), (), (), "m", True)


def test_no_case_is_dropped(dev: list[LabelledSentence]) -> None:
    some = dev[:3]
    with pytest.raises(MismatchError):
        label_counts([["a"]], [])
    with pytest.raises(MismatchError, match=some[2].id):
        score(some, [prediction(s) for s in some[:2]])
    with pytest.raises(MismatchError):
        score(some[:1], [prediction(some[0])] * 2)
    assert score(some, [prediction(s) for s in reversed(some)])["sentences"] == 3  # order does not matter, ids do


def test_gate_refuses_what_it_must() -> None:
    def figures(overall: float, french: float, entity: float = 0.5) -> dict[str, object]:
        rest = {"event_macro_f1": 0.5, "entity_f1": entity, "role_f1": 0.5}
        return {"event_micro_f1": overall, "per_language": {"fr": {"event_micro_f1": french}}} | rest

    def refused(after: dict[str, object], least: float) -> list[str]:
        return [change.figure for change in compare(figures(0.8, 0.8), after, {"fr": least}) if change.refused]

    assert refused(figures(0.79, 0.77), 0.01) == []
    assert refused(figures(0.789, 0.8), -0.01) == ["event micro-F1"]
    assert refused(figures(0.8, 0.769), 0.01) == ["event micro-F1, fr"]
    assert refused(figures(0.8, 0.769), -0.01) == []  # within chance
    assert refused(figures(0.8, 0.8, entity=0.489), 0.01) == ["entity F1"]


def test_a_drop_in_a_few_sentences_may_be_chance_and_in_all_is_not(
    dev: list[LabelledSentence], release: Pipeline
) -> None:
    gold = [sentence for sentence in dev if sentence.types][:60]
    right = release.predict_labelled(gold)
    nothing = [replace(prediction, events=()) for prediction in right]
    langs = {sentence.lang for sentence in gold}
    assert all(least > 0 for least in least_drops(gold, right, nothing).values())
    assert least_drops(gold, right, right) == dict.fromkeys(langs, 0.0)
    one_wrong = [nothing[0], *right[1:]]
    assert least_drops(gold, right, one_wrong)[gold[0].lang] <= 0


def test_threshold_is_the_best_one() -> None:
    gold = np.array([[True, False], [True, False], [False, False]])
    probabilities = np.array([[0.9, 0.2], [0.4, 0.3], [0.1, 0.35]])
    assert 0.35 < best_threshold(gold, probabilities) <= 0.4


def test_baseline_learns(ontology: Ontology, dev: list[LabelledSentence]) -> None:
    english = [s for s in dev if s.lang == "en"]
    fitted = TfidfPeer(ontology)
    fitted.fit(english, english)
    figures = score(english, fitted.predict(english), layers=["types"])
    assert figures["event_micro_f1"] > 0.9  # on its own training sentences
    assert "entity_f1" not in figures


def test_undefined_figures_are_zero() -> None:
    assert (Counts(0, 0, 0).precision, Counts(0, 0, 0).recall, Counts(0, 0, 0).f1) == (0, 0, 0)


@given(label_sets)
def test_weighted_f1_is_scikit_learns(pairs: list[tuple[set[str], set[str]]]) -> None:
    gold, predicted = ([list(pair[i]) for pair in pairs] for i in (0, 1))
    g, p = (np.array([[label in row for label in LABELS] for row in side]) for side in (gold, predicted))
    expected = f1_score(g, p, average="weighted", zero_division=0)
    assert weighted_f1(label_counts(gold, predicted)) == pytest.approx(expected)


def test_frequent_types_are_those_with_enough_gold() -> None:
    counts = {"often": Counts(4, 5, 5), "rare": Counts(0, 1, 4)}
    assert frequent_macro_f1(counts) == counts["often"].f1
    assert frequent_macro_f1({"rare": counts["rare"]}) is None


offsets = st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(st.sets(offsets, max_size=8), st.sets(offsets, max_size=8))
def test_overlapping_pairs_are_a_maximum_matching(one: set[tuple[int, int]], other: set[tuple[int, int]]) -> None:
    shared = np.array([[max(a[0], b[0]) < min(a[1], b[1]) for b in other] for a in one]).reshape(len(one), len(other))
    matched = maximum_bipartite_matching(csr_matrix(shared), perm_type="column")
    assert overlapping_pairs(one, other) == overlapping_pairs(other, one) == (matched >= 0).sum()


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_overlap_counts_need_label_and_place(seed: int) -> None:
    rng = random.Random(seed)
    gold, predicted = ([spans_of(random_tags(rng, 12)) for _ in range(10)] for _ in range(2))
    strict, lenient = span_counts(gold, predicted), overlap_span_counts(gold, predicted)
    assert strict.keys() == lenient.keys()
    for label, counts in strict.items():
        assert counts.correct <= lenient[label].correct <= min(counts.gold, counts.predicted)
        assert (counts.gold, counts.predicted) == (lenient[label].gold, lenient[label].predicted)


def test_one_gold_span_answers_for_one_predicted_span() -> None:
    gold = [[Span(0, 10, "a", "x"), Span(12, 15, "a", "x")]]
    pieces = [[Span(0, 4, "a", "x"), Span(5, 9, "a", "x"), Span(10, 12, "a", "x"), Span(12, 14, "b", "x")]]
    assert overlap_span_counts(gold, pieces) == {"a": Counts(1, 3, 2), "b": Counts(0, 1, 0)}


ranked = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=1, max_size=30)


@given(ranked)
def test_average_precision_is_scikit_learns(pairs: list[tuple[bool, float]]) -> None:
    gold, scores = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    if gold.any():
        assert average_precision(gold, scores) == pytest.approx(average_precision_score(gold, scores))


def test_mean_average_precision_leaves_out_what_nobody_looked_for() -> None:
    gold = np.array([[True, False], [False, False], [False, False]])
    scores = np.array([[0.5, 0.3], [0.9, 0.1], [0.1, 0.9]])
    everywhere = np.ones_like(gold)
    assert mean_average_precision(gold, scores, everywhere) == 0.5
    assert mean_average_precision(gold, scores, everywhere & [[True], [False], [True]]) == 1.0
    assert mean_average_precision(np.zeros_like(gold), scores, everywhere) is None
    assert mean_average_precision(gold, scores, gold) is None  # absence is known nowhere: there is nothing to rank


def tables(values: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    """(rows, columns) of gold labels and of scores."""
    rows = st.lists(st.tuples(st.booleans(), values), min_size=3, max_size=3)
    pairs = st.lists(rows, min_size=1, max_size=20).map(np.array)
    return pairs.map(lambda table: (table[..., 0].astype(bool), table[..., 1]))


@given(tables(st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])))
def test_mean_average_precision_is_scikit_learns_macro_average(table: tuple[np.ndarray, np.ndarray]) -> None:
    gold, scores = table
    kept = gold.any(0) & ~gold.all(0)  # what scikit-learn gives of other columns says nothing of the order
    ours = mean_average_precision(gold, scores, np.ones_like(gold))
    if kept.any():
        assert ours == pytest.approx(average_precision_score(gold[:, kept], scores[:, kept], average="macro"))
    else:
        assert ours is None


@given(ranked)
def test_risk_is_the_share_of_wrong_among_the_surest(pairs: list[tuple[bool, float]]) -> None:
    right, confidence = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    curve = coverage_risk(confidence, right)
    assert curve[-1] == {"coverage": 1.0, "risk": round(float((~right).mean()), 4)}
    # Where the cut falls between two confidences it is plain counting; inside one, the order must not matter.
    order = np.argsort(-confidence, kind="stable")
    for point in curve:
        kept = max(int(np.ceil(point["coverage"] * len(right) - 1e-9)), 1)
        if kept == len(right) or confidence[order[kept - 1]] > confidence[order[kept]]:
            assert point["risk"] == pytest.approx((~right[order[:kept]]).mean(), abs=1e-4)
    shuffled = np.random.default_rng(0).permutation(len(right))
    assert coverage_risk(confidence[shuffled], right[shuffled]) == curve


@given(ranked)
def test_brier_score_is_scikit_learns(pairs: list[tuple[bool, float]]) -> None:
    gold, scores = (np.array([pair[i] for pair in pairs]) for i in (0, 1))
    figures = calibration_figures(scores[:, None], gold[:, None])
    assert figures["brier"] == pytest.approx(brier_score_loss(gold, scores, pos_label=True), abs=1e-4)


@given(tables(st.floats(0, 1)))
def test_brier_score_of_several_types_is_the_sum_of_scikit_learns(table: tuple[np.ndarray, np.ndarray]) -> None:
    gold, scores = table
    oracle = sum(brier_score_loss(gold[:, i], scores[:, i], pos_label=True) for i in range(gold.shape[1]))
    assert calibration_figures(scores, gold)["brier"] == pytest.approx(oracle, abs=1e-4)


primaries = st.lists(
    st.tuples(st.sampled_from(["air_drone_strike", "arrest", ""]), st.sampled_from(["arrest", "aid", ""]))
)


def with_primaries(pairs: list[tuple[str, str]]) -> tuple[list[LabelledSentence], list[Prediction]]:
    """A sentence with the first type of each pair, and a prediction of the second; "" for no event."""
    ontology = load_ontology()
    gold = [LabelledSentence(str(i), "en", "x", (g,) if g else (), (), ()) for i, (g, _) in enumerate(pairs)]
    said = [
        replace(prediction(s), events=(Event(ontology.event_type(p), 0.9),) if p else ())
        for s, (_, p) in zip(gold, pairs)
    ]
    return gold, said


@given(primaries)
def test_confusion_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    labels, counts = primary_confusion(*with_primaries(pairs))
    assert labels[-1] == "none" and sum(map(sum, counts)) == len(pairs)
    if len(labels) > 1:
        sides = [[pair[i] or "none" for pair in pairs] for i in (0, 1)]
        assert counts == confusion_matrix(*sides, labels=labels).tolist()


@given(primaries)
def test_primary_accuracy_is_scikit_learns(pairs: list[tuple[str, str]]) -> None:
    ours = primary_accuracy(*with_primaries(pairs))
    assert ours == pytest.approx(accuracy_score(*([pair[i] for pair in pairs] for i in (0, 1))) if pairs else 0.0)


def test_what_nobody_looked_for_is_neither_right_nor_wrong(ontology: Ontology) -> None:
    text = "Police arrested Ana."
    name = Span(16, 19, "person", "Ana")
    annotated = Annotated(frozenset({"arrest"}), frozenset({"person"}), frozenset())
    gold = LabelledSentence("1", "en", text, ("arrest",), (name,), (), annotated=annotated)
    events = tuple(Event(ontology.event_type(kind), 0.9) for kind in ("protest_with_intervention", "arrest"))
    spans = (name, Span(0, 6, "organization", "Police"))
    said = replace(prediction(gold), text=text, events=events, entities=spans, roles=(Span(0, 6, "actor", "Police"),))
    figures = score([gold], [said])
    assert figures["event_micro_f1"] == figures["entity_f1"] == 1.0
    assert figures["per_role"] == {} and "primary_accuracy" not in figures
    fully = score([replace(gold, annotated=Annotated())], [said])
    assert fully["event_micro_f1"] < 1 and fully["entity_f1"] < 1 and fully["primary_accuracy"] == 0.0
    assert set(score([gold], [said], layers=["entities"])) == {
        "sentences", "entity_f1", "entity_overlap_f1", "per_entity", "per_language",
    }  # fmt: skip
