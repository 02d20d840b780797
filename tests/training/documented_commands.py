#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs every command of docs/training.md or docs/compared-systems.md, in its order, on tiny data and with tiny networks.

documented_commands.py DOCUMENT SOURCE_FOLDER REENACT_TRAIN SMALL_DATASET

SMALL_DATASET is a program that writes the drawn faces of the tests into a folder. What a command would need that is not there (steps of
days, a cluster's launcher) is brought down in wrappers on the PATH; the commands themselves stay as they are written.
"""
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

LONGEST = 120  # seconds for a command, on a machine that is busy with other tests

SMALL_NETWORKS = """networks.image_size=32 networks.pose_input_size=32 networks.num_channels=4 networks.max_channels=8
networks.identity_embedding_size=8 networks.pose_embedding_size=8 networks.projector_hidden=16
networks.identity_encoder=mobilenet_v2 networks.identity_encoder_width=0.25 networks.pose_encoder_width=0.25
discriminator.num_blocks=4 identity.frames=2 training.batch_size=4 training.precision=float32
run.validate_every=2 run.sheet_every=2 run.checkpoint_every=2""".split()
# Of the compared systems, whose configurations say what a pose and an identity are.
COMPARED_NETWORKS = [setting for setting in SMALL_NETWORKS if not setting.startswith(
    ('networks.pose_embedding_size', 'networks.projector_hidden', 'networks.identity_encoder='))]
WARPING = """network.image_size=32 network.width=0.25 data.stored_size=64 training.batch_size=2 run.validate_every=2 run.sheet_every=2
run.checkpoint_every=2""".split()
SMALL = {
    'x2face': WARPING,
    'fabnet': WARPING,
    'reenactor': SMALL_NETWORKS,
    'detector': """network.width=0.0625 training.batch_size=3 training.picture_sizes=[64] training.precision=float32
data.face_free_held_out=1 validation.detect_size=96 training.warm_up_steps=2""".split(),
    'segmenter': """network.image_size=32 network.base_channels=4 network.levels=2 training.batch_size=4 training.precision=float32
data.stored_size=48 training.warm_up_steps=2""".split(),
    'recogniser': """network.width=0.0625 network.image_size=32 network.embedding_size=8 data.stored_size=64 training.batch_size=4
training.precision=float32 validation.least_gap=2""".split(),
    'landmarks': """network.width=0.1 network.image_size=32 data.stored_size=64 training.batch_size=4
training.precision=float32""".split(),
    'personalise': ['augmentation.pixelwise=false'],
}
STEPS = {'x2face': ['--steps', '2'], 'fabnet': ['--steps', '2'], 'reenactor': ['--steps', '2'], 'detector': ['--steps', '2'], 'segmenter': ['--steps', '2'],
         'recogniser': ['--steps', '2'], 'landmarks': ['--steps', '2'], 'personalise': ['--iterations', '2'],
         'prepare': ['--size', '64', '--every', '12', '--validation-share', '0', '--least-sharpness', '0']}

# The last checkpoint also gets the names that it has after the documented numbers of steps.
REENACT_TRAIN = """#!/bin/sh
set -eu
case $1 in
{cases}
*) more= ;;
esac
[ "$1" != prepare ] || {{ command=$1; shift; kept=; skip=
  for word; do
    if [ -n "$skip" ]; then skip=; elif [ "$word" = --every ]; then skip=1; else kept="$kept $word"; fi
  done
  set -- $command $kept; }}
"{program}" "$@" $more
previous=
for word; do
  last="$word/checkpoints/checkpoint-000000002.safetensors"
  if [ "$previous" = --run-dir ] && [ -f "$last" ]; then
    for steps in 000003000 000004100 000004500 000006000 000006500 000008800 000009000; do
      copy="$word/checkpoints/checkpoint-$steps.safetensors"
      cp "$last" "$copy.$$" && mv -f "$copy.$$" "$copy"  # the ranks of torchrun all come by here
    done
  fi
  previous=$word
done
"""

# Starts two processes with the variables that the launcher sets.
LAUNCHER = """#!/bin/sh
set -eu
while [ "$1" != reenact-train ]; do shift; done
{address}
{rank}=1 {count}=2 "$@" & other=$!
{rank}=0 {count}=2 "$@"
wait $other
"""


def commands_of(document):
    """The indented lines that call a program, joined where they end in a backslash."""
    lines = re.sub(r'\\\n\s*', '', document).split('\n')
    programs = ('reenact-train ', 'gst-launch-1.0 ', 'torchrun ', 'mpirun ', 'srun ')
    return [line.strip() for line in lines if line.startswith('    ') and line.strip().startswith(programs)]


def write_program(path, text):
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def run(command, folder, environment):
    """Exit status, output and errors of a command; with all that it started it is ended when it hangs."""
    process = subprocess.Popen(command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        output, errors = process.communicate(timeout=LONGEST)
        return process.returncode, output, errors
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        sys.exit(f'no end after {LONGEST} s:\n{output[-2000:]}\n{errors[-4000:]}')


def main():
    document, source, program, small_dataset = sys.argv[1:]
    source = pathlib.Path(source)
    commands = commands_of(pathlib.Path(document).read_text())
    compared = pathlib.Path(document).name == 'compared-systems.md'
    if compared:
        SMALL['reenactor'] = COMPARED_NETWORKS
    wanted = {'x2face', 'fabnet', 'reenactor', 'personalise', 'render', 'draw'} if compared else {'prepare', 'reenactor', 'identity', 'blend', 'personalise', 'render', 'inspect', 'detector', 'segmenter'}
    missing = wanted - {match for command in commands for match in re.findall(r'reenact-train (\w+)', command)}
    if missing or not compared and not any(command.startswith('gst-launch-1.0') for command in commands):
        sys.exit(f'{document}: no command of {sorted(missing)} or no pipeline was found')

    with tempfile.TemporaryDirectory(prefix='reenact-documented-') as name:
        folder = pathlib.Path(name)
        programs = folder / 'bin'
        programs.mkdir()
        cases = '\n'.join(
            '{}) more="{}" ;;'.format(command, ' '.join([f'--set {setting}' for setting in SMALL.get(command, [])] + steps))
            for command, steps in STEPS.items())
        write_program(programs / 'reenact-train', REENACT_TRAIN.format(cases=cases, program=program))
        port = f'export MASTER_ADDR=127.0.0.1 MASTER_PORT={20000 + os.getpid() % 10000}'
        for launcher, rank, count in (('torchrun', 'RANK', 'WORLD_SIZE'), ('mpirun', 'OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE'),
                                      ('srun', 'SLURM_PROCID', 'SLURM_NTASKS')):
            step = '; export SLURM_STEP_ID=0' if launcher == 'srun' else ''
            write_program(programs / launcher, LAUNCHER.format(address=port + step, rank=rank, count=count))

        sample = source / 'models' / 'samples' / 'driver.mp4'
        subprocess.run([small_dataset, folder / 'data'], check=True, timeout=LONGEST)
        for clip in ('ada/talk.mp4', 'bob/talk.mp4'):
            (folder / 'clips' / clip).parent.mkdir(parents=True)
            shutil.copy(sample, folder / 'clips' / clip)
        shutil.copy(sample, folder / 'driver.mp4')
        (folder / 'training').symlink_to(source / 'training')
        shutil.copytree(source / 'models', folder / 'models')  # a documented command writes into it
        environment = dict(os.environ, REENACT_MODEL_PATH=str(folder / 'models'), PATH=f'{programs}:{os.environ["PATH"]}', OMP_NUM_THREADS='1')
        subprocess.run([small_dataset, '--frames', sample, folder / 'ada', folder / 'portraits'], check=True, timeout=LONGEST)

        if not (folder / 'models' / 'segmenter.safetensors').exists():  # not shipped: the documented way to make one goes first
            commands.sort(key=lambda command: not command.startswith('reenact-train segmenter'))
        for command in commands:
            print('$', command, flush=True)
            status, output, errors = run(command, folder, environment)
            if status != 0:
                sys.exit(f'it ended with {status}:\n{output[-2000:]}\n{errors[-4000:]}')
            for written in re.findall(r'(?:--output|filesink location=)[ ]?(\S+)', command):
                path = folder / written
                if not path.exists() or (path.is_file() and path.stat().st_size < 500):
                    sys.exit(f'it did not write {written}:\n{errors[-4000:]}')
    print(f'{len(commands)} commands')


if __name__ == '__main__':
    main()
