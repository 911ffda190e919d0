"""What projects have used, and the log of those who audit it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cellrig.compute.api.usages import ProjectUsage, ServerUsage
from cellrig.http.calls import Answer
from cellrig.http.compute.links import next_page
from cellrig.http.compute.paging import is_full, page, seconds_of
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.dates import naive
from cellrig.http.errors import Refusal

#: How long the time is that is asked about, where nothing is said: four weeks, in seconds.
_SPAN = 28 * 24 * 3600.0


def list_usages(call: ComputeCall) -> Answer:
    """List what projects have used in a time; in pages of servers from 2.40 on."""
    start, stop = _period(call)
    found = call.service.usages.all(context_of(call), start, stop)
    detailed = call.single("detailed") == "1"
    if call.version < (2, 40):
        return Answer(body={"tenant_usages": [_view(each, detailed=detailed) for each in found]})
    pairs = [(usage, server) for usage in found for server in usage.servers]
    shown = page(call, pairs, lambda pair: pair[1].server.id)
    wanted = {server.server.id for _project, server in shown}
    usages = [_only(each, wanted) for each in found]
    told = [_view(each, detailed=detailed) for each in usages if each.servers]
    body: dict[str, Any] = {"tenant_usages": told}
    if is_full(call, shown):
        last = shown[-1][1].server.id
        body["tenant_usages_links"] = next_page(call, "os-simple-tenant-usage", last)
    return Answer(body=body)


def show_usage(call: ComputeCall) -> Answer:
    """Show what a project has used in a time, server by server."""
    start, stop = _period(call)
    project = call.parameters["project_id"]
    usage = call.service.usages.of_project(context_of(call), project, start, stop)
    paged = call.version >= (2, 40)
    shown = list(usage.servers)
    if paged:
        shown = list(page(call, shown, lambda each: each.server.id))
        usage = _only(usage, {each.server.id for each in shown})
    body: dict[str, Any] = {"tenant_usage": _view(usage, detailed=True) if shown else {}}
    if paged and is_full(call, shown):
        path = f"os-simple-tenant-usage/{project}"
        body["tenant_usage_links"] = next_page(call, path, shown[-1].server.id)
    return Answer(body=body)


def _period(call: ComputeCall) -> tuple[float, float]:
    now = call.service.runtime.now()
    stop = seconds_of("end", call.single("end"))
    stop = now if stop is None else stop
    start = seconds_of("start", call.single("start"))
    start = stop - _SPAN if start is None else start
    if start >= stop:
        raise Refusal(400, "Invalid start time. The start time cannot occur after the end time.")
    return start, stop


def _only(usage: ProjectUsage, wanted: set[str]) -> ProjectUsage:
    servers = tuple(each for each in usage.servers if each.server.id in wanted)
    return ProjectUsage(usage.project_id, usage.start, usage.stop, servers)


def _view(usage: ProjectUsage, *, detailed: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tenant_id": usage.project_id,
        "start": naive(usage.start),
        "stop": naive(usage.stop),
        "total_hours": usage.hours,
        "total_vcpus_usage": usage.vcpu_hours,
        "total_memory_mb_usage": usage.memory_hours,
        "total_local_gb_usage": usage.disk_hours,
    }
    if detailed:
        told["server_usages"] = [_server(each) for each in usage.servers]
    return told


def _server(usage: ServerUsage) -> dict[str, Any]:
    server, flavor = usage.server, usage.server.flavor
    ended = server.deleted_at
    return {
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project_id,
        "flavor": flavor.name,
        "vcpus": flavor.vcpus,
        "memory_mb": flavor.memory_mb,
        "local_gb": flavor.root_gb + flavor.ephemeral_gb,
        "hours": usage.hours,
        "started_at": naive(server.launched_at or server.created_at),
        "ended_at": None if ended is None else naive(ended),
        "state": "terminated" if ended is not None else str(server.vm_state),
        "uptime": usage.seconds,
    }


# -- the log of audits ---------------------------------------------------------------------------


def list_audit_log(call: ComputeCall) -> Answer:
    """Show how the audit of the last whole month went: no host has made one."""
    return Answer(body={"instance_usage_audit_logs": _log(call, call.service.runtime.now())})


def show_audit_log(call: ComputeCall) -> Answer:
    """Show how the audit of the last whole month before a time went."""
    before = seconds_of("before_timestamp", call.parameters["before_timestamp"])
    return Answer(body={"instance_usage_audit_log": _log(call, before or 0.0)})


def _log(call: ComputeCall, before: float) -> dict[str, Any]:
    hosts = sorted(each.host for each in call.service.services.all(context_of(call)))
    end = datetime.fromtimestamp(before, UTC).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    month = 12 if end.month == 1 else end.month - 1
    begin = end.replace(year=end.year - (end.month == 1), month=month)
    return {
        "period_beginning": _words(begin),
        "period_ending": _words(end),
        "num_hosts": len(hosts),
        "num_hosts_done": 0,
        "num_hosts_running": 0,
        "num_hosts_not_run": len(hosts),
        "hosts_not_run": hosts,
        "total_instances": 0,
        "total_errors": 0,
        "overall_status": f"0 of {len(hosts)} hosts done. 0 errors.",
        "log": {},
    }


def _words(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
