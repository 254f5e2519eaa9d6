"""Many records at once: an upsert that runs as a job, and a deletion."""

from __future__ import annotations

import orjson

from connectors.sandbox.calls import JSON, Answer, Call, Refused
from connectors.sandbox.freshsales import errors, records, writes
from connectors.sandbox.freshsales.bundle import FIRST_JOB, Bundle, Job
from connectors.sandbox.freshsales.fields import CONTACTS
from connectors.sandbox.freshsales.writes import Writer

MAX_ITEMS = 100


def bulk_upsert(bundle: Bundle, call: Call) -> Answer:
    """Start a job. While another one runs, there is none to be had (405)."""
    run_due(bundle, call.now)
    items = call.body.get("contacts") if isinstance(call.body, dict) else None
    if (
        not isinstance(items, list)
        or not 1 <= len(items) <= MAX_ITEMS
        or not all(isinstance(each, dict) for each in items)
    ):
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "contacts")])
    if any(job.report is None for job in bundle.state.jobs):
        raise errors.refused(["Another bulk operation is in progress."], 405)
    job = Job(FIRST_JOB + len(bundle.state.jobs), call.now + bundle.settings.bulk_job_ms, call.by, items)
    bundle.state.jobs.append(job)
    root = call.path.removesuffix("/contacts/bulk_upsert")
    return Answer(200, {"job_status_url": f"{root}/job_statuses/{job.id}", "job_id": job.id})


def job_status(bundle: Bundle, call: Call) -> Answer:
    """How far a job is; what came out is a text with JSON in it."""
    run_due(bundle, call.now)
    job = next((each for each in bundle.state.jobs if str(each.id) == call.params["job"]), None)
    if job is None:
        raise errors.not_found()
    if job.report is None:
        return Answer(200, {"id": job.id, "status": "INPROGRESS", "data": None})
    return Answer(200, {"id": job.id, "status": "SUCCESS", "data": orjson.dumps(job.report).decode()})


def bulk_destroy(bundle: Bundle, call: Call) -> Answer:
    """Delete these contacts; ids that are not there are passed over."""
    ids = call.body.get("selected_ids") if isinstance(call.body, dict) else None
    if not isinstance(ids, list) or not all(isinstance(id, int) for id in ids):
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "selected_ids")])
    for id in ids:
        record = bundle.shelves[CONTACTS.plural].live(id)
        if record is not None:
            writes.delete(bundle, CONTACTS, record, Writer(call.by, call.now))
    return Answer(200, {"message": f"{len(ids)} contacts deleted."})


def run_due(bundle: Bundle, now: int) -> None:
    """Do the work of the jobs whose time has come."""
    for job in bundle.state.jobs:
        if job.report is None and job.runs_at <= now:
            _run(bundle, job)


def _run(bundle: Bundle, job: Job) -> None:
    failures: list[JSON] = []
    for item in job.items:
        try:
            _upsert(bundle, item, Writer(job.by, job.runs_at))
        except Refused as refusal:
            failures.append({"record": item, "errors": refusal.answer.body["errors"]["message"]})
    counts = {"succeeded": len(job.items) - len(failures), "failed": len(failures)}
    job.report = {"record_status": counts, "detailed_failure_report": failures}


def _upsert(bundle: Bundle, item: dict[str, JSON], writer: Writer) -> None:
    data = item.get("data")
    if not isinstance(data, dict):
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "data")])
    if "id" in item:
        record = bundle.shelves[CONTACTS.plural].live(item["id"]) if isinstance(item["id"], int) else None
        if record is None:
            raise errors.not_found()
        writes.update(bundle, CONTACTS, record, data, writer)
        return
    identifier = {name: value for name, value in item.items() if name != "data"}
    records.upserted(bundle, CONTACTS, identifier, data, writer)
