"""One temperature that makes a model's probabilities honest (Guo et al. 2017, section 4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from passt_core.errors import DatasetError
from passt_core.lab.answers import Answers
from passt_core.lab.evaluate import judged_answers
from passt_core.lab.measures import top_answer
from passt_core.lab.reliability import calibration_error, classwise_error

LOWEST, HIGHEST = 0.05, 20.0
"""Temperatures beyond these say that the clips cannot tell one."""

_PRECISION = 1e-4
_TINY = 1e-30
"""Probability below which a loss is no larger."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """A temperature and what it does on the clips that it was fitted on.

    Attributes:
        temperature: what logits are divided by; above 1 the model was too sure of itself.
        clips: that it was fitted on.
        loss_before, loss: mean cross-entropy (softmax) or binary cross-entropy (sigmoid) in nats,
            without a temperature and with this one.
        ece_before, ece: expected calibration error, as :class:`passt_core.lab.evaluate.Evaluation`
            has it: of the most probable of the dataset's classes, or class-wise in a multi-label
            dataset.
    """

    temperature: float
    clips: int
    loss_before: float
    loss: float
    ece_before: float
    ece: float


def calibrate(answers: Answers) -> Calibration:
    """Fit one temperature by the loss that the model was trained with.

    The probability of a clip is, as the predictor has it, the mean over its windows. A softmax is
    over all the model's classes; a sigmoid model is asked of the dataset's classes alone, as of the
    others nothing is known. The answers' own temperature plays no part.

    Args:
        answers: to clips that the model was not trained on.

    Raises:
        DatasetError: clips of several classes for a softmax; the loss falls beyond all temperatures
            (every answer is right, or none is).
    """
    if answers.activation == "softmax" and answers.dataset.truth.sum(axis=1).max() > 1:
        raise DatasetError(
            f"{answers.dataset.name} has clips of several classes and the model gives one "
            "(softmax); calibrate it on clips of one class each"
        )
    temperature = _fitted(answers)
    found = Calibration(
        temperature=temperature,
        clips=len(answers.dataset),
        loss_before=_loss(answers, 1.0),
        loss=_loss(answers, temperature),
        ece_before=_error(answers, 1.0),
        ece=_error(answers, temperature),
    )
    _check_range(answers, found)
    return found


def _fitted(answers: Answers) -> float:
    """The temperature of least loss, in the useful range: its logarithm by Brent's method."""
    limits = (math.log(LOWEST), math.log(HIGHEST))
    options = {"xatol": _PRECISION}
    found = minimize_scalar(
        lambda logarithm: _loss(answers, math.exp(logarithm)), bounds=limits, options=options
    )
    return math.exp(found.x)


def _loss(answers: Answers, temperature: float) -> float:
    """Mean (binary) cross-entropy of the clips at a temperature, in nats."""
    truth = answers.dataset.truth
    if answers.activation == "softmax":
        of_all = answers.probabilities(temperature)
        said = of_all[np.arange(len(truth)), np.array(answers.places)[truth.argmax(axis=1)]]
        return float(-np.log(np.maximum(said, _TINY)).mean())
    asked = answers.probabilities(temperature, among=answers.places)
    said = np.where(truth, asked, 1.0 - asked)
    return float(-np.log(np.maximum(said, _TINY)).mean())


def _check_range(answers: Answers, calibration: Calibration) -> None:
    """Refuse a temperature that more extreme ones are as good as."""
    ends = min(_loss(answers, LOWEST), _loss(answers, HIGHEST))
    if ends <= calibration.loss:
        raise DatasetError(
            f"the {len(answers.dataset)} clips of {answers.dataset.name} ask for a temperature "
            f"beyond {LOWEST} to {HIGHEST:g}; that takes right and wrong answers: calibrate on "
            "more clips that the model has not heard"
        )


def _error(answers: Answers, temperature: float) -> float:
    judged = judged_answers(answers)
    probabilities = answers.probabilities(temperature, among=answers.places)
    if judged.multi_label:
        return classwise_error(judged.truth, probabilities)
    return calibration_error(*top_answer(judged.truth, probabilities))
