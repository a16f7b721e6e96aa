"""A resident LoRA step of the embedded model's shape in plain PyTorch, as a skilled user would write it: float32, no activation checkpointing,
full-vocabulary cross-entropy. Prints JSON with tokens_per_second. For a fair figure an optimized BLAS: apt-get install libopenblas0-openmp.
usage: lema_tiny_torch.py SHAPE BATCH LENGTH [STEPS]     SHAPE is not looked at"""
import json, math, os, sys, time

# Without these a thread spins for work that is not there yet (1,500 tokens/s in place of 4,500 on two cores of a Zen 5), and OpenBLAS takes AVX2 kernels.
os.environ.setdefault("GOMP_SPINCOUNT", "100")
if "avx512f" in open("/proc/cpuinfo").read():
    os.environ.setdefault("OPENBLAS_CORETYPE", "SkylakeX")
import torch
import torch.nn.functional as F

HIDDEN, LAYERS, HEADS, KV, INTER, VOCAB, RANK, SCALE = 256, 4, 4, 2, 704, 3072, 16, 2.0
WARM_UP, LEAST_STEPS = 3, 20
D = HIDDEN // HEADS


class Lora:
    def __init__(self, out, inp):
        self.w = torch.empty(out, inp).uniform_(-0.05, 0.05)
        self.a = torch.nn.Parameter(torch.empty(RANK, inp).uniform_(-1 / math.sqrt(inp), 1 / math.sqrt(inp)))
        self.b = torch.nn.Parameter(torch.zeros(out, RANK))

    def __call__(self, x):
        return F.linear(x, self.w) + F.linear(F.linear(x, self.a), self.b) * SCALE


def rms(x):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5)


class Block:
    def __init__(self):
        self.q, self.k, self.v, self.o = Lora(HIDDEN, HIDDEN), Lora(KV * D, HIDDEN), Lora(KV * D, HIDDEN), Lora(HIDDEN, HIDDEN)
        self.gate, self.up, self.down = Lora(INTER, HIDDEN), Lora(INTER, HIDDEN), Lora(HIDDEN, INTER)

    def parameters(self):
        return [p for l in (self.q, self.k, self.v, self.o, self.gate, self.up, self.down) for p in (l.a, l.b)]

    def __call__(self, x, cos, sin, mask):
        n, t, _ = x.shape
        y = rms(x)
        q, k, v = (m(y).view(n, t, c, D).transpose(1, 2) for m, c in ((self.q, HEADS), (self.k, KV), (self.v, KV)))
        q, k = (z * cos + torch.cat((-z[..., D // 2:], z[..., :D // 2]), -1) * sin for z in (q, k))
        k, v = (z.repeat_interleave(HEADS // KV, 1) for z in (k, v))
        s = (q @ k.transpose(-1, -2) / math.sqrt(D) + mask).softmax(-1)
        x = x + self.o((s @ v).transpose(1, 2).reshape(n, t, HIDDEN))
        y = rms(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


def main():
    rows, t, steps = int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else 3
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(0)
    embed = torch.empty(VOCAB, HIDDEN).uniform_(-0.05, 0.05)
    blocks = [Block() for _ in range(LAYERS)]
    parameters = [p for b in blocks for p in b.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    ids = torch.randint(0, VOCAB, (rows, t))
    angle = torch.arange(t)[:, None] * 10000.0 ** (-torch.arange(0, D, 2) / D)[None]
    cos, sin = (torch.cat((f(angle), f(angle)), -1) for f in (torch.cos, torch.sin))
    mask = torch.full((t, t), float("-inf")).triu(1)
    seconds = []
    for _ in range(WARM_UP + max(steps, LEAST_STEPS)):
        start = time.perf_counter()
        x = embed[ids]
        for b in blocks:
            x = b(x, cos, sin, mask)
        loss = F.cross_entropy(F.linear(rms(x), embed)[:, :-1].reshape(-1, VOCAB), ids[:, 1:].reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds[WARM_UP:])[len(seconds[WARM_UP:]) // 2]
    print(json.dumps({"tokens_per_second": round(rows * t / median, 1), "loss": round(loss.item(), 4)}), flush=True)


main()
