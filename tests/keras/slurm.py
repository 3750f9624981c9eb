"""A real Slurm for tests: a controller and two nodes on this machine, on the loopback alone, with all files in one folder.

Nothing is installed and no other Slurm is touched: SLURM_CONF and munge's socket are of the folder.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time

import psutil

NODES = ("one", "two")
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge.socket
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
SlurmdTimeout=10
NodeName=one NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[0]} CPUs=1 RealMemory=8000
NodeName=two NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=1 RealMemory=8000
PartitionName=all Nodes=one,two Default=YES
"""
PROGRAMS = ("munged", "munge", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol", "scancel")


class SlurmError(Exception):
    """In one line, what Slurm does not do."""


class Cluster:
    """A Slurm that runs while the `with` statement does."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = {}
        path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", "/sbin"])
        self.environment = {**os.environ, "PATH": f"{folder / 'bin'}:{path}", "SLURM_CONF": str(folder / "slurm.conf")}
        if missing := [name for name in PROGRAMS if not shutil.which(name, path=path)]:
            raise SlurmError(f"not installed: {', '.join(missing)}")

    def __enter__(self):
        port, *ports = free_ports(1 + len(NODES))
        host = socket.gethostname().partition(".")[0]
        user = pwd.getpwuid(os.getuid()).pw_name
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(host=host, user=user, folder=self.folder, port=port, ports=ports)
        )
        self.wrap("srun")
        (self.folder / "munge.key-file").write_bytes(os.urandom(128))
        (self.folder / "munge.key-file").chmod(0o400)
        files = [f"--{file}={self.folder / 'munge.'}{file}" for file in ("socket", "key-file", "pid-file", "log-file", "seed-file")]
        try:
            # Forced, since others cannot look into this folder, and need not.
            self.start("munged", "munged", "--foreground", "--force", *files)
            self.until("munge answers", lambda: self.slurm("munge", "-n", "-S", self.folder / "munge.socket"))
            self.start("slurmctld", "slurmctld", "-D")
            for node in NODES:
                self.start(node, "slurmd", "-D", "-N", node)
            self.until("the nodes are there", lambda: self.slurm("sinfo", "-h", "-o", "%T").split() == ["idle"])
            self.until("a job runs", lambda: self.slurm("srun", "-N2", "true", code=True) == 0)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def wrap(self, name):
        """In the steps of a job Snakemake's plugin forgets SLURM_CONF, since a cluster has its configuration in /etc."""
        real = shutil.which(name, path=self.environment["PATH"])
        (self.folder / "bin").mkdir()
        wrapper = self.folder / "bin" / name
        wrapper.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {real} "$@"\n')
        wrapper.chmod(0o755)

    def start(self, name, *command):
        with (self.folder / f"{name}.log").open("a") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)

    def stop(self):
        if "slurmctld" in self.processes:
            self.slurm("scancel", "--state=RUNNING")
            self.slurm("scancel", "--state=PENDING")
        for process in reversed(self.processes.values()):
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        # Without cgroups Slurm loses sight of some of what a killed job has started.
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if str(self.folder / "bin") in process.environ().get("PATH", ""):
                    process.kill()

    def slurm(self, *command, code=False):
        """What one of Slurm's commands prints, nothing where it fails, or its exit code."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=self.environment, timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return 1 if code else ""
        return done.returncode if code else done.stdout

    def jobs(self, state):
        """{number: node} of the jobs in a state."""
        lines = self.slurm("squeue", "-h", "-t", state, "-o", "%i|%N").splitlines()
        return dict(line.split("|") for line in lines)

    def state(self, node):
        return self.slurm("sinfo", "-h", "-n", node, "-o", "%T").strip()

    def set_node(self, name, state):
        self.slurm("scontrol", "update", f"nodename={name}", f"state={state}", "reason=test")

    def until(self, what, true, seconds=60):
        """Waits for something; a daemon that has ended is the reason where it does not come."""
        for _ in range(5 * seconds):
            if found := true():
                return found
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if ended:
                raise SlurmError(f"{ended[0]} has ended: {last_line(self.folder / f'{ended[0]}.log')}")
            time.sleep(0.2)
        raise SlurmError(f"waited in vain: {what}")


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def last_line(file):
    lines = file.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "no word")
