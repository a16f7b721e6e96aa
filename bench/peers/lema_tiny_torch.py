"""A resident LoRA step of the embedded model's shape in plain PyTorch, as a skilled user would write it: float32, no activation checkpointing, padded batches,
full-vocabulary cross-entropy. Prints JSON with tokens_per_second (padding not counted).
usage: lema_tiny_torch.py LENGTHS_FILE [STEPS]     LENGTHS_FILE: one batch a line, row lengths separated by blanks"""
import json, math, os, sys, time
import torch
import torch.nn.functional as F

HIDDEN, LAYERS, HEADS, KV, INTER, VOCAB, RANK, SCALE = 256, 4, 4, 2, 704, 3072, 16, 2.0
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
    batches = [[int(n) for n in line.split()] for line in open(sys.argv[1])]
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else len(batches)
    torch.set_num_threads(os.cpu_count())
    torch.manual_seed(0)
    embed = torch.empty(VOCAB, HIDDEN).uniform_(-0.05, 0.05)
    blocks = [Block() for _ in range(LAYERS)]
    parameters = [p for b in blocks for p in b.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-4)
    tokens, seconds = 0, 0.0
    for step in range(steps):
        lengths = batches[step % len(batches)]
        t = max(lengths)
        ids = torch.randint(0, VOCAB, (len(lengths), t))
        labels = ids.clone()
        for row, length in enumerate(lengths):
            labels[row, :length // 3], labels[row, length:] = -100, -100
        angle = torch.arange(t)[:, None] * 10000.0 ** (-torch.arange(0, D, 2) / D)[None]
        cos, sin = (torch.cat((f(angle), f(angle)), -1) for f in (torch.cos, torch.sin))
        mask = torch.full((t, t), float("-inf")).triu(1)
        start = time.perf_counter()
        x = embed[ids]
        for b in blocks:
            x = b(x, cos, sin, mask)
        loss = F.cross_entropy(F.linear(rms(x), embed)[:, :-1].reshape(-1, VOCAB), labels[:, 1:].reshape(-1), ignore_index=-100)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step >= 3:
            tokens += sum(lengths)
            seconds += time.perf_counter() - start
    print(json.dumps({"tokens_per_second": round(tokens / seconds, 1), "loss": round(loss.item(), 4)}), flush=True)


main()
