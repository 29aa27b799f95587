"""The command `integer`: write the integer form of a model, and its ONNX form."""

import argparse

from irs_core.cli.inputs import add_data_options, data_spec
from irs_core.cli.options import add_json_option, path
from irs_core.cli.printing import print_json
from irs_core.errors import SpecError
from irs_core.spec.compressions import IntegerOnly
from irs_core.spec.study import NOISE_KINDS, ModelSpec, NoiseSpec, StudySpec


def add_integer(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `integer`."""
    parser = commands.add_parser(
        "integer",
        help="write a model as a network of integers, and as ONNX with QDQ pairs",
        description="Ranges are set on training images (or held-out ones) under the noise. The "
        "result can be certified: certify --model OUT, or --compress file:OUT.",
    )
    parser.add_argument(
        "--model", required=True, help="weights: a file, shipped:NAME, or an integer network"
    )
    parser.add_argument("--arch", help="architecture, where the file does not name it")
    add_data_options(parser)
    parser.add_argument("--sigma", type=float, default=0.5, help="noise, pixel units")
    parser.add_argument("--noise", choices=NOISE_KINDS, default="rounded")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--bits", type=int, default=8, help="bits of a weight, 2 to 8")
    parser.add_argument("--out", type=path, help="file to write, NAME.safetensors")
    parser.add_argument("--onnx", type=path, help="ONNX file to write")
    add_json_option(parser)
    parser.set_defaults(run=_integer)


def _integer(arguments: argparse.Namespace) -> None:
    if arguments.out is None and arguments.onnx is None:
        raise SpecError("give --out or --onnx, a file to write")
    # Other commands should not wait for torch.
    from irs_core.approx.integer_form import integer_form
    from irs_core.data import load_dataset
    from irs_core.integer.files import write_network
    from irs_core.integer.onnx_qdq import to_onnx
    from irs_core.models import load_model
    from irs_core.run.calibration import calibration_images

    spec = StudySpec(
        model=ModelSpec(arguments.model, arch=arguments.arch),
        data=data_spec(arguments),
        noise=NoiseSpec.chosen(arguments.sigma, arguments.seed, arguments.noise),
        compressions=(),
    )
    dataset = load_dataset(spec.data)
    calibration, source = calibration_images(spec, dataset, unseen=True)
    network = integer_form(
        load_model(spec.model).module,
        IntegerOnly(arguments.bits),
        calibration=calibration,
        scale=dataset.scale,
        input_shape=dataset.input_shape,
    )
    if arguments.out is not None:
        write_network(
            arguments.out, network, {"classes": dataset.classes, "sigma": spec.noise.sigma}
        )
    if arguments.onnx is not None:
        arguments.onnx.write_bytes(to_onnx(network).SerializeToString(deterministic=True))
    if arguments.json:
        written = {
            name: None if file is None else str(file)
            for name, file in (("out", arguments.out), ("onnx", arguments.onnx))
        }
        known = {"size_bytes": network.size_bytes, "ranges_set_on": source}
        print_json("integer", {**written, **known, "digest": network.digest})
        return
    print(f"{network.size_bytes:,} bytes, ranges set on {source}, digest {network.digest}")
