"""Explanations: one sentence or two per symbol, compression and kind of data."""

from irs_core import methods

HELP = {
    "acr": (
        "Average certified radius: the mean over all inputs of the L2 distance within which the "
        "smoothed prediction is certified to stay the same and is right. Wrong and abstaining "
        "inputs count as 0. In pixel units of images in [0, 1]."
    ),
    "interval": (
        "95% bootstrap interval over inputs: how much the mean would move with other inputs of "
        "the same kind. It is not the confidence of the certificates."
    ),
    "accuracy": "Share of inputs that are certified for their true class; abstaining is wrong.",
    "kept": "ACR of the compressed model over that of the original, both with the same draws.",
    "size": (
        "Bytes of the weights, stored in the model's own number format; of a pruned model those of "
        "the weights that are not zero, and a bit per weight."
    ),
    "nonzero": (
        "Weights that are not zero. The size of a pruned model counts these alone, and a bit per "
        "weight that says where they are."
    ),
    "disagreement": (
        "Share of noisy draws on which the original and the compressed model answer differently."
    ),
    "zeta": (
        "ζ: upper confidence bound on the probability that the original and the compressed model "
        "answer differently on a noisy copy of one input."
    ),
    "floor": "The smallest ζ that $n_p$ draws can give: the bound when not a single one disagrees.",
    "p_lower": (
        "$p_A$: lower confidence bound on the probability that the original answers with its top "
        "class on a noisy copy of the input."
    ),
    "gamma": (
        "γ: under IRS, inputs whose $p_A$ bound is below γ reuse the original's draws and pay ζ; "
        "inputs at or above γ get fresh draws of the compressed model. CIRS does not use γ."
    ),
    "branch": (
        "IRS reuses the original's draws where its $p_A$ bound is below γ, CIRS where the original "
        "agrees with itself on few enough of its draws; the other inputs get fresh draws."
    ),
    "alpha": "α: probability that the bound on $p_A$ is wrong, per input.",
    "convention": "Radii are one-sided as usual in the field: all other classes together get what "
    "the certified class is not sure of. Two-sided radii bound the most likely other class as well "
    "where few selection draws gave the certified one; they are larger there, and do not compare "
    "with one-sided ones. IRS and ISS have none.",
    "alpha_zeta": "$α_ζ$: probability that the bound on ζ is wrong, per input.",
    "sigma": (
        "σ: standard deviation of the Gaussian noise, in pixel units of images in [0, 1]. Larger "
        "noise allows larger radii and costs accuracy."
    ),
    "n0": "$n_0$: draws that only choose the class to certify.",
    "n": "n: draws of the original model per input that count how often that class is predicted.",
    "n_p": "$n_p$: draws spent on the compressed model, per input.",
    "speedup": (
        "How many times cheaper a method reaches the same ACR than certification from scratch "
        "(RS): the ratio of the areas under cost over ACR, on the range of ACR that both reach. "
        "Its interval is a 95% bootstrap interval over inputs."
    ),
    "seconds": "Measured wall seconds of the draws, summed over inputs, on the study's hardware.",
    "draws": "Forward passes, summed over inputs. Does not depend on the hardware.",
    "noise": "Rounded and discrete noise are whole steps of the pixel grid, equal bit for bit on "
    "every machine; certificates then speak of images on the grid. Use them with the integer "
    "network, which computes without floating point.",
    "seed": "Decides every noise draw; equal seeds give equal noise on any machine.",
    "holdout": (
        "Inputs outside the reported subset, on which γ may be tuned. They never enter a "
        "reported number."
    ),
    "baseline": (
        "Also certify each compressed model from scratch (RS), so that there is a speedup to show."
    ),
    "goal": (
        "Without a goal every compressed model gets the same shares of n. A goal says what is "
        "wanted instead: the study is then certified by CIRS alone, which divides its draws among "
        "the inputs, and what it costs is predicted before it is started."
    ),
    "radii": (
        "Seq stops an input as soon as it is known whether the compressed model withstands these "
        "radii, in pixel units; most inputs need few draws. Name them before the study runs. "
        "Without compressions, it asks whether the original itself does."
    ),
    "tolerance": (
        "How much less than the radius the compressed model has to withstand. Above 0, inputs that "
        "the original itself does not withstand take no draws."
    ),
    "study": "A study is one original model, certified once, with its compressed versions.",
}

HELP |= {
    "sure": (
        "Guaranteed 95% interval of the mean over other inputs of the same kind, whatever the "
        "distribution; wider than the bootstrap, which only describes."
    ),
    "exact": "Exact (Clopper-Pearson) 95% interval over other inputs of the same kind.",
    "equal": "Both models on the same draws of the same noise, at the same confidence.",
    "certified": (
        "CA(r), certified accuracy at radius r: the share of all inputs that are answered right "
        "and certified at a radius above r."
    ),
    "clean": (
        "Share of inputs that the model answers right without noise; no certificate uses it. A "
        "model trained on noisy images may be better under noise. A study counts its own inputs "
        "only."
    ),
    "latency": (
        "Measured wall time of one forward pass in the study's batches, noise included, on the "
        "study's hardware: the mean over the stored draws."
    ),
    "recertify": (
        "Measured time of all draws that certifying this model took: from the original's stored "
        "draws for compressed models, from scratch for the original."
    ),
    "verdict": (
        "First choice: the smallest model that keeps at least 95% of the ACR at equal draws. "
        "Dominated: another model is no larger and more robust by a paired test."
    ),
    "pareto": (
        "A model is dominated if another one costs no more and is more robust by a paired test at "
        "equal draws. Dominated models are faded."
    ),
    **{method.name: method.sentence for method in methods.every()},
    "radius": (
        "r: no change of the pixels with an L2 norm below r, in units where a pixel is in [0, 1], "
        "changes the smoothed model's answer."
    ),
}

# How each symbol is written, by its explanation in HELP.
SYMBOLS = {
    "acr": "ACR",
    **{method.name: method.title for method in methods.every()},
    "sigma": "σ",
    "n0": "$n_0$",
    "n": "n",
    "n_p": "$n_p$",
    "p_lower": "$p_A$",
    "zeta": "ζ",
    "gamma": "γ",
    "alpha": "α",
    "alpha_zeta": "$α_ζ$",
    "certified": "CA(r)",
    "radius": "r",
    "interval": "95% interval",
}
