"""Policy test results in JUnit's XML, which every pipeline shows."""

from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree as ET

from rbac.policy_tests.run import Case, Report
from rbac.text.visible import visible_lines


def junit_xml(report: Report, demands: Sequence[tuple[str, str]] = ()) -> bytes:
    """One ``testsuite`` a file, one ``testcase`` a test, and in its ``failure`` a line for each request that failed.

    ``demands`` are what else was demanded, in a ``testsuite`` of their own: a name each, and why it is not met, or "".
    """
    root = ET.Element("testsuites", name="rbac")
    by_file = groupby(report.cases, key=lambda case: (case.question.place.file, case.question.suite))
    for (file, suite), of_file in by_file:
        element = ET.SubElement(root, "testsuite", name=_clean(suite), file=_clean(file))
        scenarios = [
            list(cases) for _, cases in groupby(of_file, key=lambda case: case.question.scenario.place)
        ]
        for cases in scenarios:
            _add_case(element, suite, cases, report.policy_name)
        _count(element, len(scenarios))
    if demands:
        element = ET.SubElement(root, "testsuite", name="What was demanded of the tests")
        for name, unmet in demands:
            found = ET.SubElement(element, "testcase", name=name, classname="rbac test", time="0")
            if unmet:
                ET.SubElement(found, "failure", message=_clean(unmet), type="demand-unmet").text = _clean(
                    unmet
                )
        _count(element, len(demands))
    _count(root, sum(int(element.get("tests", "0")) for element in root))
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _add_case(element: ET.Element, suite: str, cases: Sequence[Case], policy_name: str) -> None:
    scenario = cases[0].question.scenario
    found = ET.SubElement(
        element,
        "testcase",
        name=_clean(scenario.name),
        classname=_clean(suite),
        file=_clean(scenario.place.file),
        line=str(scenario.place.line),
        time="0",
    )
    failed = [case for case in cases if not case.passed]
    if failed:
        failure = ET.SubElement(found, "failure", message=_clean(failed[0].says()), type="test-failed")
        why = [f"why: {scenario.why}"] if scenario.why else []
        failure.text = _clean("\n".join([*why, *(_line(case, policy_name) for case in failed)]))


def _line(case: Case, policy_name: str) -> str:
    place = case.question.place
    return f"{place.file}:{place.line}: {case.says()} ({case.because(policy_name)})"


def _count(element: ET.Element, tests: int) -> None:
    element.set("tests", str(tests))
    element.set("failures", str(len(list(element.iter("failure")))))
    element.set("errors", "0")


def _clean(text: str) -> str:
    # Nothing that is left is what XML 1.0 (section 2.2) cannot hold.
    return visible_lines(text)
