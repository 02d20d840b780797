// SPDX-License-Identifier: LGPL-2.1-or-later
#include "reenact/one_euro_filter.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace reenact {
namespace {

TEST(OneEuroFilter, WithoutBetaAStepFollowsTheClosedForm) {
  // A first-order low pass: after n equal samples of a step of 1, 1 - (1 - a)^n with a = 1 / (1 + tau / dt).
  const double cutoff = 0.7, dt = 1.0 / 25;
  OneEuroFilter filter(cutoff, 0);
  EXPECT_EQ(filter.filter(0, dt), 0);
  const double a = 1 / (1 + 1 / (2 * std::numbers::pi * cutoff) / dt);
  for (int n = 1; n <= 100; ++n) EXPECT_NEAR(filter.filter(1, dt), 1 - std::pow(1 - a, n), 1e-12) << n;
}

TEST(OneEuroFilter, ARampLagsByTheSpeedOverTheCutoff) {
  // In the steady state of x = v t the lag is v tau. The derivative, taken from the filtered value before, is
  // d = v / a = v (1 + tau / dt) with tau = 1 / (2 pi (min + beta d)), which makes d the root of a quadratic
  // equation.
  const double v = 3, dt = 0.01, min_cutoff = 0.5, beta = 0.4;
  OneEuroFilter filter(min_cutoff, beta);
  double value = 0;
  for (int i = 0; i <= 5000; ++i) value = filter.filter(v * i * dt, dt);
  const double b = min_cutoff - beta * v, c = -v * min_cutoff - v / (2 * std::numbers::pi * dt);
  const double d = (-b + std::sqrt(b * b - 4 * beta * c)) / (2 * beta);
  const double tau = 1 / (2 * std::numbers::pi * (min_cutoff + beta * d));
  EXPECT_NEAR(v * 5000 * dt - value, v * tau, 1e-6);
}

TEST(OneEuroFilter, IsThePapersAlgorithmForUnevenSamples) {
  // Algorithm 1 of Casiez et al. written out once more, with the low-pass filter as a lambda.
  const double min_cutoff = 1.3, beta = 0.8, derivative_cutoff = 2;
  OneEuroFilter filter(min_cutoff, beta, derivative_cutoff);
  const auto alpha = [](double rate, double cutoff) {
    const double tau = 1.0 / (2 * std::numbers::pi * cutoff), period = 1.0 / rate;
    return 1.0 / (1.0 + tau / period);
  };
  std::mt19937 random(5);
  std::uniform_real_distribution<double> values(-10, 10), periods(0.005, 0.2);
  double filtered = 0, derivative = 0;
  for (int i = 0; i < 500; ++i) {
    const double x = values(random), rate = 1 / periods(random);
    if (i == 0) {
      filtered = x;
    } else {
      const double dx = (x - filtered) * rate, ad = alpha(rate, derivative_cutoff);
      derivative = ad * dx + (1 - ad) * derivative;
      const double ax = alpha(rate, min_cutoff + beta * std::abs(derivative));
      filtered = ax * x + (1 - ax) * filtered;
    }
    EXPECT_NEAR(filter.filter(x, 1 / rate), filtered, 1e-9);
  }
}

TEST(OneEuroFilter, TimesThatDoNotGrowAreReadAsAThirtieth) {
  for (const double seconds : {0.0, -1.0, std::nan("")}) {
    OneEuroFilter filter(1, 0), expected(1, 0);
    filter.filter(0, 1);
    expected.filter(0, 1);
    EXPECT_EQ(filter.filter(1, seconds), expected.filter(1, 1.0 / 30));
  }
}

TEST(OneEuroFilter, ResetForgetsAndTuneDoesNot) {
  OneEuroFilter filter(0.1, 0);
  filter.filter(0, 0.04);
  filter.filter(10, 0.04);
  filter.reset();
  EXPECT_EQ(filter.filter(7, 0.04), 7);
  filter.tune(1e9, 0, 1);
  EXPECT_NEAR(filter.filter(9, 0.04), 9, 1e-6);
  filter.tune(1e-9, 0, 1);
  EXPECT_NEAR(filter.filter(0, 0.04), 9, 1e-6);
}

}  // namespace
}  // namespace reenact
