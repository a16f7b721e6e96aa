using System.Text.Json;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using TorchSharp;

namespace Lema.Conformance.Golden;

/// <summary>One reference case: its folder, its description and its tensors, which live as long as the case.</summary>
public sealed class GoldenCase : IDisposable
{
    private readonly DisposeScope _scope = torch.NewDisposeScope();
    private readonly JsonElement _description;

    public GoldenCase(string folder)
    {
        Folder = folder;
        _description = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json"))).RootElement;
        Inputs = SafetensorsFile.Load(Path.Combine(folder, "inputs.safetensors"));
        Expected = SafetensorsFile.Load(Path.Combine(folder, "expected.safetensors"));
    }

    public string Folder { get; }

    public IReadOnlyDictionary<string, torch.Tensor> Inputs { get; }

    public IReadOnlyDictionary<string, torch.Tensor> Expected { get; }

    public bool IsLora => _description.GetProperty("mode").GetString() == "lora";

    public int Steps => _description.GetProperty("steps").GetInt32();

    public int MicroBatches => _description.GetProperty("micro_batches").GetInt32();

    /// <summary>Names of the trained parameters in full fine-tuning.</summary>
    public IReadOnlySet<string> Trainable => _description.GetProperty("trainable").EnumerateArray().Select(name => name.GetString()!).ToHashSet();

    public RunSettings Settings
    {
        get
        {
            JsonElement optimizer = _description.GetProperty("optimizer"), schedule = _description.GetProperty("schedule");
            return new()
            {
                Steps = schedule.GetProperty("total_steps").GetInt32(),
                WarmupSteps = schedule.GetProperty("warmup_steps").GetInt32(),
                Schedule = Enum.Parse<LearningRateSchedule>(schedule.GetProperty("name").GetString()!, ignoreCase: true),
                LearningRate = optimizer.GetProperty("lr").GetDouble(),
                WeightDecay = optimizer.GetProperty("weight_decay").GetDouble(),
                ClipGradNorm = optimizer.GetProperty("max_grad_norm").GetDouble(),
                AdamBeta1 = optimizer.GetProperty("betas")[0].GetDouble(),
                AdamBeta2 = optimizer.GetProperty("betas")[1].GetDouble(),
                AdamEpsilon = optimizer.GetProperty("eps").GetDouble(),
                Precision = Precision.Fp32,
            };
        }
    }

    /// <summary>The suggested tolerance of a group of tensors; merged weights share that of the final ones.</summary>
    public double Tolerance(string group) => _description.GetProperty("suggested_tolerance").GetProperty(group).GetDouble();

    /// <summary>How far the reference's float32 is from its float64 in a group of tensors.</summary>
    public double Error(string group) => _description.GetProperty("fp32_vs_fp64").GetProperty(group).GetDouble();

    /// <summary>The rows of a micro-batch without padding.</summary>
    public MicroBatch Batch(int step, int micro)
    {
        long[] Row(string name, int row, int length) => Inputs[name][step, micro, row].narrow(0, 0, length).data<long>().ToArray();
        return MicroBatch.Of([.. Lengths(step, micro).Select((length, row) => (Row("input_ids", row, length), Row("labels", row, length)))]);
    }

    public int[] Lengths(int step, int micro)
    {
        using var scope = torch.NewDisposeScope();
        return [.. Inputs["attention_mask"][step, micro].sum(1).data<long>().ToArray().Select(length => (int)length)];
    }

    /// <summary>[batch, length, ...] of micro-batch [0, 0] -> [tokens, ...] without padding.</summary>
    public torch.Tensor Unpad(torch.Tensor padded) => torch.cat([.. Lengths(0, 0).Select((length, row) => padded[row].narrow(0, 0, length))], 0);

    public void Dispose() => _scope.Dispose();
}
