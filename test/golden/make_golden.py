# SPDX-FileCopyrightText: The mamba-compiler authors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes golden cases: inputs from a seed, outputs from the token recurrence.

  make_golden.py --out DIR                       all cases, as committed
  make_golden.py --out DIR --case mamba2_t7 --name mine --dims t=65,h=4 --seed 3
  make_golden.py --check DIR                     compare DIR with what would be made

A case is a folder with case.json, in_NAME.npy and out_NAME.npy. Inputs are
drawn from numpy's default generator and rounded to float32; outputs are
computed in float64 on the rounded inputs, one token after the other, and
stored as float32. States are [b, h, n, p].

Classes, all with y_t = C_t S_t and S_t = exp(la_t) S_{t-1} + B_t x_t^T for
every head (h heads; an operand with fewer heads shares each with h/own heads):

  linear  la = 0, or log_gamma[h] with the option decay
  mixer   la[b, t, h, 1] given; option heads names the operands with one head
  mamba2  dt' = clip(softplus(dt + dt_bias), dt_limit), la = dt' A, x_t scaled
          by dt'; result (y + D x) silu(z), D[h] or with D_per_channel D[h, p]

Needs numpy.
"""

import argparse
import json
import os
import sys

import numpy as np

SHARED = {
    "MVA: B,C shared": ("B", "C"),
    "MQA: x,B shared": ("x", "B"),
    "MKA: x,C shared": ("x", "C"),
}


# Inputs. The order of the draws belongs to the data: do not change it.


def linear_inputs(normal, d, options):
    yield "x", normal(d["b"], d["t"], d["h"], d["p"])
    yield "B", normal(d["b"], d["t"], d["h"], d["n"])
    yield "C", normal(d["b"], d["t"], d["h"], d["n"])
    yield "S0", normal(d["b"], d["h"], d["n"], d["p"])
    if options["decay"] != "none":
        yield "log_gamma", np.log(1 - 2.0 ** (-5 - np.arange(d["h"])))


def mixer_inputs(normal, d, options):
    shared = SHARED.get(options.get("heads"), ())
    for name, width in (("x", "p"), ("B", "n"), ("C", "n")):
        heads = 1 if name in shared else d["h"]
        yield name, normal(d["b"], d["t"], heads, d[width])
    yield "la", -np.exp(normal(d["b"], d["t"], d["h"], 1) - 1.5)
    yield "S0", normal(d["b"], d["h"], d["n"], d["p"])


def mamba2_inputs(normal, d, options):
    strong = options.get("strong_decay", False)
    yield "x", normal(d["b"], d["t"], d["h"], d["p"])
    yield "dt", normal(d["b"], d["t"], d["h"])
    yield "A", -np.exp(normal(d["h"], scale=0.5) + (2.5 if strong else 0))
    yield "B", normal(d["b"], d["t"], d["g"], d["n"])
    yield "C", normal(d["b"], d["t"], d["g"], d["n"])
    per_channel = options.get("D_per_channel")
    yield "D", normal(d["h"], d["p"]) if per_channel else normal(d["h"])
    yield "z", normal(d["b"], d["t"], d["h"], d["p"])
    yield "dt_bias", normal(d["h"]) - (0 if strong else 2)
    yield "S0", normal(d["b"], d["h"], d["n"], d["p"])


# Outputs.


def spread(operand, heads):
    """Repeats the heads of [b, t, own, width] up to heads."""
    return np.repeat(operand, heads // operand.shape[2], axis=2)


def recurrence(x, log_decay, b, c, state):
    """y [b, t, h, p] and the last state [b, h, n, p]."""
    decay = np.exp(log_decay)
    rows = []
    for t in range(x.shape[1]):
        update = np.einsum("bhn,bhp->bhnp", b[:, t], x[:, t])
        state = state * decay[:, t][..., None] + update
        rows.append(np.einsum("bhn,bhnp->bhp", c[:, t], state))
    return np.stack(rows, 1), state


def linear_outputs(inputs, d, options):
    log_decay = np.zeros((d["b"], d["t"], d["h"], 1))
    if "log_gamma" in inputs:
        log_decay = log_decay + inputs["log_gamma"][None, None, :, None]
    operands = (inputs["x"], log_decay, inputs["B"], inputs["C"], inputs["S0"])
    return recurrence(*operands)


def mixer_outputs(inputs, d, options):
    x, la, b, c = (spread(inputs[name], d["h"]) for name in ("x", "la", "B", "C"))
    return recurrence(x, la, b, c, inputs["S0"])


def mamba2_outputs(inputs, d, options):
    dt = np.logaddexp(0, inputs["dt"] + inputs["dt_bias"])
    if "dt_limit" in options:
        dt = np.clip(dt, *options["dt_limit"])
    b, c = spread(inputs["B"], d["h"]), spread(inputs["C"], d["h"])
    x, z, skip = inputs["x"], inputs["z"], inputs["D"]
    skip = skip[:, None] if skip.ndim == 1 else skip
    log_decay = (dt * inputs["A"])[..., None]
    y, state = recurrence(x * dt[..., None], log_decay, b, c, inputs["S0"])
    return (y + x * skip) * (z * (1 / (1 + np.exp(-z)))), state


CLASSES = {
    "linear": (linear_inputs, linear_outputs),
    "mixer": (mixer_inputs, mixer_outputs),
    "mamba2": (mamba2_inputs, mamba2_outputs),
}


def dims(b, t, h, p, n, g=None):
    return dict(b=b, t=t, h=h, p=p, n=n, g=g or h)


# Name: class, seed, dimensions, options.
CASES = {
    "linear_attn_t100": ("linear", 1001, dims(1, 100, 2, 16, 16), {"decay": "none"}),
    "retention_t64": (
        "linear",
        1002,
        dims(2, 64, 4, 32, 16),
        {"decay": "constant per head"},
    ),
    "mixer_scalar_t257": ("mixer", 1003, dims(1, 257, 2, 40, 24), {}),
    "mixer_mva_t33": (
        "mixer",
        1004,
        dims(2, 33, 4, 8, 16),
        {"heads": "MVA: B,C shared"},
    ),
    "mixer_mqa_t33": (
        "mixer",
        1005,
        dims(2, 33, 4, 8, 16),
        {"heads": "MQA: x,B shared"},
    ),
    "mixer_mka_t33": (
        "mixer",
        1006,
        dims(2, 33, 4, 8, 16),
        {"heads": "MKA: x,C shared"},
    ),
    "mamba2_t1": ("mamba2", 1007, dims(2, 1, 4, 40, 24, 2), {}),
    "mamba2_t7": ("mamba2", 1008, dims(3, 7, 2, 8, 16, 1), {}),
    "mamba2_t100_g2": ("mamba2", 1009, dims(2, 100, 4, 40, 24, 2), {}),
    "mamba2_t257_Dchan_limits": (
        "mamba2",
        1010,
        dims(1, 257, 2, 40, 24, 1),
        {"dt_limit": [0.02, 0.5], "D_per_channel": True},
    ),
    "mamba2_strong_decay_t128": (
        "mamba2",
        1011,
        dims(1, 128, 2, 16, 16, 1),
        {"strong_decay": True},
    ),
}


def make(name, kind, seed, d, options):
    """The case's description and its arrays by file name, as float32."""
    generator = np.random.default_rng(seed)

    def normal(*shape, scale=1.0):
        return generator.normal(size=shape) * scale

    draw, evaluate = CLASSES[kind]
    inputs = {key: np.asarray(v, np.float32) for key, v in draw(normal, d, options)}
    exact = {key: value.astype(np.float64) for key, value in inputs.items()}
    y, state = evaluate(exact, d, options)
    arrays = {f"in_{key}": value for key, value in inputs.items()}
    arrays["out_y"], arrays["out_S"] = y.astype(np.float32), state.astype(np.float32)
    description = {
        "case": name,
        "op": kind,
        "dims": d,
        "options": options,
        "seed": seed,
        "arrays": {key: list(value.shape) for key, value in arrays.items()},
        "dtype": "float32 files, float64 arithmetic on the float32 inputs",
        "state_layout": "[b, h, n, p]",
    }
    return description, arrays


def write(root, description, arrays):
    folder = os.path.join(root, description["case"])
    os.makedirs(folder)  # never overwrites
    for key, value in arrays.items():
        if not np.isfinite(value).all():
            raise SystemExit(f"{description['case']}: {key} is not finite")
        np.save(os.path.join(folder, f"{key}.npy"), value)
    with open(os.path.join(folder, "case.json"), "w") as out:
        json.dump(description, out, indent=1)
        out.write("\n")


def differences(root, description, arrays):
    """What in root/CASE differs from the case by more than one float32 step."""
    folder = os.path.join(root, description["case"])
    for key, value in arrays.items():
        path = os.path.join(folder, f"{key}.npy")
        if not os.path.exists(path):
            yield f"{path} is missing"
            continue
        stored = np.load(path)
        if stored.shape != value.shape or stored.dtype != value.dtype:
            yield f"{path} is {stored.dtype}{stored.shape}, not float32{value.shape}"
        elif (np.abs(stored - value) > np.spacing(np.abs(value))).any():
            yield f"{path} differs by up to {np.abs(stored - value).max():.3g}"


def selected(arguments):
    for name in arguments.case or CASES:
        if name not in CASES:
            raise SystemExit(f"unknown case {name}; known: {', '.join(CASES)}")
        kind, seed, d, options = CASES[name]
        d = dict(d)
        for key, value in arguments.dims:
            if key not in d:
                raise SystemExit(f"unknown dimension {key}; known: {', '.join(d)}")
            d[key] = value
        if kind != "mamba2":
            d["g"] = d["h"]
        if d["h"] % d["g"]:
            raise SystemExit(f"h = {d['h']} is not a multiple of g = {d['g']}")
        if arguments.seed is not None:
            seed = arguments.seed
        yield make(arguments.name or name, kind, seed, d, options)


def parse_dims(text):
    pairs = [pair.split("=") for pair in text.split(",")]
    return [(key, int(value)) for key, value in pairs]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", help="folder to write cases into")
    where.add_argument("--check", help="folder to compare with")
    parser.add_argument("--case", action="append", help="only this case (repeatable)")
    parser.add_argument("--name", help="name of the made case, with one --case")
    parser.add_argument("--dims", type=parse_dims, default=[], help="e.g. t=65,h=4")
    parser.add_argument("--seed", type=int, help="other values for the same sizes")
    arguments = parser.parse_args()
    if arguments.name and len(arguments.case or ()) != 1:
        parser.error("--name needs exactly one --case")
    failed = False
    for description, arrays in selected(arguments):
        if arguments.out:
            write(arguments.out, description, arrays)
            continue
        for difference in differences(arguments.check, description, arrays):
            failed = True
            print(difference, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
