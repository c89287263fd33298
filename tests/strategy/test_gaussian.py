from __future__ import annotations

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from autoft.strategy.gaussian import fit_process


def observed(count: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    points = rng.uniform(size=(count, 2))
    values = np.sin(6 * points[:, 0]) + 0.2 * points[:, 1] + noise * rng.standard_normal(count)
    return points, (values - values.mean()) / values.std()


def test_it_predicts_what_scikit_learn_predicts() -> None:
    points, values = observed(30, 0.05)
    mine = fit_process(points, values)
    noise = next(n for n in (1e-2, 1e-1, 4e-1) if np.isclose(mine.factor[0, 0] ** 2, 1 + n))
    kernel = ConstantKernel(mine.scale) * Matern(mine.length, nu=2.5)
    theirs = GaussianProcessRegressor(kernel, alpha=mine.scale * noise, optimizer=None).fit(points, values)
    asked = np.random.default_rng(4).uniform(size=(50, 2))
    mean, deviation = mine.predict(asked)
    golden_mean, golden_deviation = theirs.predict(asked, return_std=True)
    np.testing.assert_allclose(mean, golden_mean, atol=1e-8)
    np.testing.assert_allclose(deviation, golden_deviation, atol=1e-6)


def test_of_the_grid_it_takes_what_scikit_learn_finds_likeliest() -> None:
    points, values = observed(30, 0.05)
    mine = fit_process(points, values)

    def likelihood(length: float, noise: float) -> float:
        kernel = ConstantKernel(1.0) * Matern(length, nu=2.5)
        plain = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(points, values)
        scale = float(values @ plain.alpha_) / len(values)
        scaled = ConstantKernel(scale) * Matern(length, nu=2.5)
        made = GaussianProcessRegressor(scaled, alpha=scale * noise, optimizer=None).fit(points, values)
        return float(made.log_marginal_likelihood_value_)

    grid = [(length, noise) for length in (0.2, 0.4, 0.8, 1.6) for noise in (1e-2, 1e-1, 4e-1)]
    length, noise = max(grid, key=lambda one: likelihood(*one))
    assert (mine.length, mine.factor[0, 0] ** 2) == (length, 1 + noise) or np.isclose(mine.factor[0, 0] ** 2, 1 + noise)


def test_noise_is_not_taken_for_structure() -> None:
    rng = np.random.default_rng(0)
    points, values = rng.uniform(size=(60, 3)), rng.standard_normal(60)
    mean, _ = fit_process(points, values).predict(rng.uniform(size=(200, 3)))
    assert float(np.abs(mean).mean()) < 0.5


def test_far_from_all_points_it_knows_nothing() -> None:
    points, values = observed(20, 0.0)
    process = fit_process(points, values)
    near, far = process.predict(points)[1].mean(), process.predict(points + 50.0)[1].mean()
    assert near < 0.5 * far
    np.testing.assert_allclose(far, np.sqrt(process.scale), rtol=1e-6)
