"""Muon (Jordan et al. 2024) at f32, for processors that have no instructions for bf16."""
import torch


def orthogonal(matrices, coefficients, steps, eps):
    """Each of `matrices` [N, rows, columns] as a matrix whose singular values are all near 1: a Newton-Schulz iteration, the odd
    polynomial of degree five with these `coefficients`, `steps` times."""
    a, b, c = coefficients
    is_tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if is_tall else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.mT if is_tall else x


class Muon(torch.optim.Muon):
    """`torch.optim.Muon`, with the same states, that multiplies at f32 and all matrices of one size at once. PyTorch's multiplies at
    bf16, which takes ten times as long where there are no instructions for it."""

    def __init__(self, params, lr, weight_decay):
        super().__init__(params, lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            weights, gradients, momenta = [], [], []
            self._init_group(group, weights, gradients, momenta)
            sizes = {}
            for weight, gradient, momentum in zip(weights, gradients, momenta):
                momentum.lerp_(gradient, 1 - group["momentum"])
                sizes.setdefault(weight.shape, []).append((weight, gradient.lerp(momentum, group["momentum"])))
            for size, moved in sizes.items():
                directions = orthogonal(torch.stack([d for _, d in moved]), group["ns_coefficients"], group["ns_steps"], group["eps"])
                for (weight, _), direction in zip(moved, directions):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    # As large as a step of AdamW, whose rate it shares (Liu et al. 2025).
                    weight.sub_(direction, alpha=group["lr"] * 0.2 * max(size) ** 0.5)
