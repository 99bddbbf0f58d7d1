"""The whole road on real data, told in a few lines: `nox -s demo`.

Kicks off an engagement from this clone, then does in it, with the engagement's own locked environment and the
real command line, what its people would do. Everything that happened lies in the folder `demo/` afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

CLONE = Path(__file__).parents[2]
FOLDER = CLONE / "demo"
REPO = FOLDER / "engagement"
KEYS = FOLDER / "keys"
LOG = FOLDER / "commands.log"
WORSE = ("FREEDOM = 0.03", "FREEDOM = 0.003")
BETTER = ("FREEDOM = 0.003", "FREEDOM = 0.3")
FOREIGN = {"VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"}
PEOPLE = {
    "model-ops-lead": ("Head of model operations", "model-ops@example-bank.example"),
    "ml-sre": ("ML SRE", "ml-sre@example-bank.example"),
    "model-risk": ("Model risk reviewer", "model-risk@example-bank.example"),
    "vendor-ml": ("Vendor ML engineer", "ml@example-analytics.example"),
}
APPLICANT = {
    "status_of_existing_checking_account": "... < 0 DM",
    "duration_in_month": 24,
    "credit_history": "existing credits paid back duly till now",
    "purpose": "radio/television",
    "credit_amount": 3500,
    "savings_account_and_bonds": "... < 100 DM",
    "present_employment_since": "1 <= ... < 4 years",
    "installment_rate_in_percentage_of_disposable_income": 4,
    "other_debtors_or_guarantors": "none",
    "present_residence_since": 2,
    "property": "real estate",
    "other_installment_plans": "none",
    "housing": "own",
    "number_of_existing_credits_at_this_bank": 1,
    "job": "skilled employee / official",
    "number_of_people_being_liable_to_provide_maintenance_for": 1,
    "telephone": "none",
}

seconds: dict[str, float] = {}


def environment(who: str) -> dict[str, str]:
    """The environment of a person at their desk: git knows them, and no registry of the surroundings is used."""
    name, email = PEOPLE[who]
    kept = {key: value for key, value in os.environ.items() if key not in FOREIGN and not key.startswith("GIT_")}
    people = {f"GIT_{role}_{part}": text for role in ("AUTHOR", "COMMITTER") for part, text in
              (("NAME", name), ("EMAIL", email))}  # fmt: skip
    return {**kept, **people}


@contextmanager
def timed(stage: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + time.monotonic() - start


def start(command: list[str], who: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=cwd, env=environment(who), capture_output=True, text=True, check=False)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}   # {who}\n{done.stdout}{done.stderr}[exit {done.returncode}]\n\n")
    return done


def run(*command: str, who: str = "vendor-ml", cwd: Path = REPO) -> str:
    """Run a command that must succeed; gives its standard output."""
    done = start(list(command), who, cwd)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def vendorkit(*arguments: str, who: str = "vendor-ml", expect: int = 0) -> dict[str, Any]:
    """Run the engagement's own vendorkit; gives its JSON envelope. Another exit code than expected ends the demo."""
    with timed(arguments[0]):
        done = start([str(REPO / ".venv/bin/vendorkit"), *arguments, "--json"], who, REPO)
    if done.returncode != expect:
        sys.exit(
            f"vendorkit {' '.join(arguments)}: exit {done.returncode}, expected {expect}\n{done.stdout}{done.stderr}"
        )
    envelope: dict[str, Any] = json.loads(done.stdout)
    return envelope


def decide(command: str, what: str, who: str, reason: str, expect: int = 0) -> dict[str, Any]:
    return vendorkit(command, what, "--key", str(KEYS / who), "--reason", reason, who=who, expect=expect)


def say(text: str) -> None:
    print(text, flush=True)


def kick_off() -> None:
    if FOLDER.exists():
        shutil.rmtree(FOLDER)
    KEYS.mkdir(parents=True)
    new = ("-m", "vendorkit", "new", str(REPO), "--template", str(CLONE), "--defaults", "--json")
    with timed("new"):
        made = json.loads(run(sys.executable, *new, who="model-ops-lead", cwd=FOLDER))["result"]
    with timed("uv sync"):
        run("uv", "sync", "--locked", "--quiet", who="model-ops-lead")
    for who in PEOPLE:
        make_key(who)
    run("git", "add", "allowed_signers", who="model-ops-lead")
    run("git", "commit", "--quiet", "-m", "Trust these keys", who="model-ops-lead")
    files = run("git", "ls-files").splitlines()
    locked = (REPO / "uv.lock").read_text("utf-8").count("[[package]]")
    say(f"1 Kicked off from this clone at {made['ref']}: {len(files)} files, {locked} packages locked with hashes.")
    with ThreadPoolExecutor(1) as vendor:
        frozen = vendor.submit(vendorkit, "snapshot")
        counts = vendorkit("check", who="model-ops-lead")["result"]["counts"]
    say(f"  The platform's checks: {counts['pass']} pass, {counts['fail']} fail, {counts['not_yet']} still owed.")
    rows = ", ".join(f"{dataset['id']} {dataset['rows']} rows" for dataset in frozen.result()["result"]["datasets"])
    say(f"2 Frozen: {rows}. Every value is in the digest.")


def make_key(who: str) -> None:
    """An Ed25519 key in OpenSSH's format for a person of the demo, known to the engagement."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH).decode()
    (KEYS / who).touch(mode=0o600)
    (KEYS / who).write_bytes(private)
    with (REPO / "allowed_signers").open("a", encoding="utf-8") as signers:
        signers.write(f'{PEOPLE[who][1]} namespaces="vendorkit" {public}\n')


def first_release() -> None:
    trained = vendorkit("train")["result"]
    gated = vendorkit("gate")
    first, number = gated["findings"][0], len(gated["findings"])
    published = vendorkit("publish")["result"]
    say(f"  Trained in {trained['seconds']:.1f} s. {number} of {number} gates passed, {first['id']} for instance:")
    say(f"    {first['says']}")
    say(f"  Published as {published['model']}/{published['version']} with its whole record.")


def first_decisions() -> None:
    with ThreadPoolExecutor() as people:  # each at their own desk, at the same time
        tried = people.submit(decide, "approve", "credit/1", "vendor-ml", "we are sure", expect=1)
        read = people.submit(decide, "approve", "credit/1", "model-risk", "gate report and card read")
        decide("approve", "credit/1", "ml-sre", "fits the use case")
    say("3 The vendor tries to approve their own release. Refused:")
    for fault in tried.result()["result"]["faults"]:
        say(f"    {fault['where']}: {fault['says']}")
    decide("promote", "credit/1", "ml-sre", "first release")
    say(f"  {read.result()['result']['actor']} and ml-sre approved with an SSH signature, for high risk needs two.")
    say("  ml-sre promoted: credit@champion is version 1.")


def serve_and_trace() -> None:
    with timed("serve"):
        command = [str(REPO / ".venv/bin/vendorkit"), "serve", "credit", "--port", "0"]
        error = (FOLDER / "service.log").open("w+", encoding="utf-8")
        service = subprocess.Popen(command, cwd=REPO, env=environment("ml-sre"), stdout=error, stderr=error)
        try:
            url = wait_for_url(FOLDER / "service.log", service)
            _, good = post(url, {"rows": [APPLICANT]})
            status, bad = post(url, {"rows": [{**APPLICANT, "credit_amount": False, "age": 3, "housing": None}]})
        finally:
            service.terminate()
            service.wait(30)
            error.close()
    prediction = good["predictions"][0]
    say(f"4 The service verified it, then answered: score {prediction['score']:.3f}, id {prediction['id']}.")
    say(f"  A bad request gets {status}, and every fault at once:")
    for fault in bad["errors"]:
        say(f"    {fault['path']}: {fault['says']}")
    traced = vendorkit("trace", prediction["id"])["result"]
    say(f"5 That prediction, traced ({'complete' if traced['complete'] else 'BROKEN'}):")
    for link in traced["chain"]:
        says = re.sub(r"(sha256:|commit )([0-9a-f]{12})[0-9a-f]*", r"\1\2", link["says"])
        say(f"    {link['kind']:<11} {link['digest'].removeprefix('sha256:')[:12]}  {says}"[:116])


def wait_for_url(log: Path, service: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        found = re.search(r"http://\S+?:\d+", log.read_text("utf-8"))
        if found:
            return found[0]
        if service.poll() is not None:
            break
        time.sleep(0.1)
    sys.exit(f"The service did not start:\n{log.read_text('utf-8')}")


def post(url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(
        f"{url}/v1/predict", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def edit(old: str, new: str) -> None:
    path = REPO / "models/credit/pipeline.py"
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    run("git", "commit", "--quiet", "--all", "-m", f"Try {new}")
    vendorkit("train")


def work_on(live: Event) -> dict[str, Any]:
    """The vendor's next two candidates; the first is asked against what the client has made live meanwhile."""
    edit(*WORSE)
    live.wait()
    gated = vendorkit("gate", expect=1)
    vendorkit("publish", expect=1)
    edit(*BETTER)
    vendorkit("gate")
    vendorkit("publish")
    return gated


def second_release(gated: dict[str, Any]) -> None:
    say("6 A worse candidate, asked against the live version, is refused by its gates:")
    for gate in gated["findings"]:
        if gate["verdict"] != "pass":
            say(f"    {gate['id']}: {gate['says']}")
    with ThreadPoolExecutor(1) as reviewer:
        read = reviewer.submit(decide, "approve", "credit/2", "model-risk", "better on every gate")
        decide("approve", "credit/2", "ml-sre", "fits the use case")
        read.result()
    decide("promote", "credit/2", "ml-sre", "better on every gate")
    decide("rollback", "credit", "ml-sre", "practising: back to version 1")
    lines = vendorkit("releases")["result"]["releases"]
    states = ", ".join(f"credit/{line['version']} {line['status']}" for line in lines)
    say(f"  A better one was published as credit/2, approved, promoted, and rolled back: {states}.")


def tell_the_rest(began: float) -> None:
    report = next((REPO / ".vendorkit/reports").glob("*/gate-report.html"))
    shown = ", ".join(f"{name} {took:.0f}" for name, took in sorted(seconds.items(), key=lambda item: -item[1]))
    say(f"7 Done in {time.monotonic() - began:.0f} s, partly at the same time: {shown}.")
    say(f"  The engagement          {REPO.relative_to(CLONE)}  (every command and its output: demo/commands.log)")
    say(f"  A gate report           {report.relative_to(CLONE)}")
    say("  The registry in MLflow  cd demo/engagement && uv run mlflow ui --backend-store-uri "
        "sqlite:///.vendorkit/registry/mlflow.db")  # fmt: skip
    say("  The documentation       docs/index.md, or: nox -s docs")


def main() -> None:
    began = time.monotonic()
    kick_off()
    first_release()
    live = Event()
    with ThreadPoolExecutor(1) as vendor:  # who works on while the client decides
        candidates = vendor.submit(work_on, live)
        try:
            first_decisions()
        finally:
            live.set()
        serve_and_trace()
        gated = candidates.result()
    second_release(gated)
    tell_the_rest(began)


if __name__ == "__main__":
    main()
