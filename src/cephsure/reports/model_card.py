"""A model's card as Markdown, from the document that `cephsure.workflows.model_card` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN = "unknown"


def card_markdown(card: dict[str, Any]) -> str:
    """The card's text, which ends with a line break."""
    parts = [
        f"# {card['name']}",
        f"**{card['disclaimer'] or UNKNOWN}**",
        _facts(card),
        "## Known failures",
        _list(card["known_failures"]),
        card["limits"] or f"Limits that its makers named: {UNKNOWN}.",
        "## Errors, bias and coverage",
        *[part for each in card["evaluations"] for part in _evaluation(each, card)],
        *([] if card["evaluations"] else [f"Measured with this very model: {UNKNOWN}."]),
        "## Gate, beside people",
        _gate(card["gate"]),
        _people(card["observers"]),
        "## Hashes (SHA-256)",
        _hashes(card["hashes"]),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(card: dict[str, Any]) -> str:
    training, licence, calibration = card["training"], card["licence"], card["calibration"]
    recipe = training["recipe"]
    changes = "".join(f"; {change}" for change in recipe["changes"])
    rows = [
        ("kind", f"{card['kind']}, {training['networks']} networks"),
        ("SHA-256 of the bundle", f"`{card['sha256']}`"),
        ("licence of the weights", licence["weights"]),
        ("licence of the data", licence["data"]),
        ("trained on", f"{training['data']}, split {training['split']}, truth {training['truth']}"),
        ("data's SHA-256", f"`{training['data_sha256']}`" if training["data_sha256"] else None),
        ("annotators told apart", ", ".join(training["annotators"])),
        ("recipe", f"{recipe['name']}, version {recipe['version']}{changes}"),
        ("made", training["made"]),
        ("seed, precision", f"{_said(training['seed'])}, {_said(training['precision'])}"),
        ("mean validation error of a network, mm", _number(training["validation_mre_mm"])),
        ("landmarks", f"{len(card['landmark_set']['landmarks'])} ({card['landmark_set']['name']})"),
        ("calibrated on", None if calibration is None else _calibrated(calibration)),
    ]
    return _table(("", ""), ((name, _said(value)) for name, value in rows))


def _calibrated(calibration: dict[str, Any]) -> str:
    readers = sum(1 for _ in calibration["readers"])
    return (
        f"{calibration['films']} films of {calibration['dataset']}, split {calibration['split']}; "
        f"readers' differences from {readers} sets of marks"
    )


def _evaluation(each: dict[str, Any], card: dict[str, Any]) -> list[str]:
    held = "" if each["coverage"] is None else f", {100 * each['level']:.0f} % regions hold {_share(each)}"
    interval = each["mre_ci95_mm"]
    ends = "" if interval is None else f" [{interval[0]:.2f}, {interval[1]:.2f}]"
    reader = "" if each["reader"] is None else f", foretold for: {each['reader']}"
    x, y = each["bias_mm"]
    said = (
        f"### {each['dataset']}, {each['split']}\n\n"
        f"{each['films']} films, {each['points']} points, against {each['truth']}"
        f"{reader}. "
        f"Mean radial error {each['mre_mm']:.2f} mm{ends}, 95th percentile {each['p95_mm']:.2f} mm, "
        f"bias {x:+.2f} mm to the face and {y:+.2f} mm down{held}. From {each['source']}."
    )
    apart = card["observers"]["median_distance_mm"]["by_landmark"]
    heads = ("landmark", "bias x", "bias y", "mean", "p95", "held, %", "accepted, %", "people apart")
    rows = [
        (
            mark["code"],
            f"{mark['bias_mm'][0]:+.2f}",
            f"{mark['bias_mm'][1]:+.2f}",
            _said(_number(mark["mre_mm"])),
            _said(_number(mark["p95_mm"])),
            _percent(mark["coverage"]),
            _percent(mark["accepted"]),
            _said(_number(apart.get(mark["code"]))),
        )
        for mark in each["per_landmark"]
    ]
    return [said, _table(heads, rows)]


def _share(each: dict[str, Any]) -> str:
    return f"{_percent(each['coverage'])} % of the points (worst landmark {each['worst_landmark']})"


def _gate(gate: dict[str, Any] | None) -> str:
    if gate is None:
        return "No gate: no point is accepted or refused."
    said = (
        f"Asked for: at most {100 * gate['max_missed_rate']:g} % of a film's accepted points off by more "
        f"than {gate['tolerance_mm']:g} mm. Learned on {gate['films']} films, {gate['units']} of them "
        "independent."
    )
    heads = ("for", "accepted up to, mm", "accepted, %", "wrong among them, %", "worst person, %")
    rows = [
        (
            rule["for"],
            _said(_number(rule["threshold_mm"])),
            _percent(rule["accepted_share"]),
            _percent(rule["missed_share"]),
            _percent(rule["worst_person"]),
        )
        for rule in gate["rules"].values()
    ]
    return f"{said}\n\n{_table(heads, rows)}"


def _people(observers: dict[str, Any]) -> str:
    lines = [
        f"{each['data']}: {each['who']} {each['mean_mm']:.2f} mm apart on average (`{each['command']}`)"
        for each in observers["inter_observer"]
    ]
    between = observers["median_distance_mm"]
    if between["by_landmark"]:
        lines.append(
            "By landmark, the column “people apart” above: median distance of "
            f"{' and '.join(between['between'])}, mm, from the calibration"
        )
    intra = observers["intra_observer"]
    lines.append(f"One person with themselves (intra-observer): {UNKNOWN if intra is None else intra}")
    if not observers["inter_observer"]:
        lines.insert(0, f"Different people, over all landmarks (inter-observer): {UNKNOWN}")
    return f"How far people are apart:\n\n{_list(lines)}"


def _hashes(hashes: dict[str, dict[str, str]]) -> str:
    rows = [
        (part, f"`{name}`", f"`{digest}`") for part, named in hashes.items() for name, digest in named.items()
    ]
    return _table(("part", "file or module", "SHA-256"), rows)


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}." for line in lines) or f"{UNKNOWN.capitalize()}."


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _said(value: Any) -> str:
    return UNKNOWN if value in (None, "") else str(value)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.0f}"
