using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;

namespace Lema.Web.Tests.Fakes;

/// <summary>A daemon with something on every page.</summary>
internal static class Example
{
    public static FakeDaemon Daemon()
    {
        FakeDaemon daemon = new();
        FakeRun run = new("01RUN", "first facts", 200);
        for (int i = 0; i < 120; i++)
        {
            run.Step(0.4 + 3.5 * Math.Exp(-i / 30.0));
            if (i % 50 != 49) continue;
            run.Evaluate(new EvaluationPoint { Step = i + 1, Loss = 0.5 + 3 * Math.Exp(-i / 30.0), Questions = 8, ValidFormat = 6, RightAnswer = 5 });
            run.Save(new Checkpoint { Step = i + 1, Path = $"checkpoints/{i + 1}", Bytes = 2_400_000, EvaluationLoss = 0.6, Time = Now() });
        }
        run.Say("Dataset facts: 5,000 rows");
        run.Say("Longest row is cut to 128 tokens", LogLine.Types.Level.Warning);
        run.Detail.Plan = Plan();
        run.Replies.Add(new EvaluatedReply { Index = 1, Question = "What is the capital of Kenya?", Expected = "Nairobi", Text = "[LEMA_REPLY]", Right = true, Reply = new ParsedReply { Valid = true, Answer = "Nairobi" } });
        run.Replies.Add(new EvaluatedReply { Index = 2, Question = "What is the symbol of iron?", Expected = "Fe", Text = "Iron is", Reply = new ParsedReply { Problem = "The text does not begin with [LEMA_REPLY]." } });
        daemon.Runs[run.Detail.Summary.Id] = run;
        daemon.Models.Add(new Model { Name = "lema-tiny", Family = "llama", Origin = ModelOrigin.Embedded, Parameters = 1_712_000, WeightBytes = 3_424_000, Dtype = "BF16", Layers = 8, Prepared = true });
        daemon.Datasets.Add(new Dataset { Name = "facts", Rows = 5000, SizeBytes = 1_480_000, Format = "prompt-completion", Heldout = "facts-heldout", Added = Now() });
        daemon.Datasets.Add(new Dataset { Name = "facts-heldout", Rows = 300, SizeBytes = 88_000, Format = "questions", Added = Now() });
        daemon.Estimate = Plan();
        daemon.Sample = Sample("01RUN");
        return daemon;
    }

    private static Estimate Plan() => new()
    {
        Fits = true, SecondsPerStep = 0.2, Seconds = 40, Steps = 200, StreamedBytesPerStep = 6_800_000, TokensPerStep = 8192, MeanTokensPerStep = 1400, TrainableParameters = 344_064, BaseParameters = 1_712_000,
        Tiers = { new TierPlan { Tier = Tier.Host, BudgetBytes = 3_000_000, UsedBytes = 2_600_000, Units = 4, ResidentUnits = 1, Items = { new PlanItem { Name = "slots", Bytes = 1_400_000 }, new PlanItem { Name = "pinned layers", Bytes = 1_200_000 } } } },
    };

    private static TelemetrySample Sample(string run)
    {
        PipelineSample pipeline = new() { CurrentUnit = 2, Direction = PipelineSample.Types.Direction.Backward, Units = { "block 0", "block 1", "final norm", "head tile 0" } };
        pipeline.Slots.Add(new SlotSample { Tier = Tier.Host, Unit = 2, State = SlotSample.Types.State.Leased, Bytes = 400_000 });
        pipeline.Slots.Add(new SlotSample { Tier = Tier.Host, Unit = 1, State = SlotSample.Types.State.Loading, Bytes = 400_000 });
        pipeline.Slots.Add(new SlotSample { Tier = Tier.Host, Unit = 0, State = SlotSample.Types.State.Pinned, Bytes = 300_000 });
        pipeline.Slots.Add(new SlotSample { Tier = Tier.Host, Unit = -1, State = SlotSample.Types.State.Free, Bytes = 400_000 });
        return new TelemetrySample
        {
            Time = Now(), Host = new HostSample { ProcessorShare = 0.8, MemoryUsedBytes = 3L << 30, MemoryTotalBytes = 8L << 30 },
            Devices = { new DeviceSample { Name = "NVIDIA H100", MemoryUsedBytes = 20L << 30, MemoryTotalBytes = 80L << 30, UtilisationShare = -1, CopyBytesPerSecond = 12L << 30 } },
            Workers = { new WorkerSample { Job = run, RssBytes = 412_000_000, PlannedBytes = 600_000_000, DiskBytesPerSecond = 34e6, DiskStallShare = 0.06, HitShare = 0.24, Pipeline = pipeline } },
        };
    }

    private static Timestamp Now() => Timestamp.FromDateTimeOffset(DateTimeOffset.UtcNow);
}
