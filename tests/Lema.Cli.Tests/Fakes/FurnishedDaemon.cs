using Google.Protobuf.WellKnownTypes;
using Lema.Protocol.V1;

namespace Lema.Cli.Tests.Fakes;

/// <summary>Fills a daemon with models, datasets, runs and jobs whose names and figures are of many widths.</summary>
internal static class FurnishedDaemon
{
    /// <summary>When everything here was made.</summary>
    public static readonly DateTimeOffset Made = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    private static readonly Timestamp MadeAt = Timestamp.FromDateTimeOffset(Made);

    public static void Furnish(this FakeDaemon daemon)
    {
        FurnishModels(daemon.Models);
        FurnishDatasets(daemon.Datasets);
        FurnishRuns(daemon.Training);
        FurnishHost(daemon.Host);
        FurnishJobs(daemon);
        daemon.Artifacts.Files["checkpoints/checkpoint-200/adapter_model.safetensors"] = new byte[1_197_984];
        daemon.Artifacts.Files["log.txt"] = [1, 2, 3];
    }

    private static void FurnishModels(FakeModels models)
    {
        models.List = new ListModelsResponse
        {
            Models =
            {
                new Model { Name = "lema-tiny", Family = "llama", Parameters = 3_737_856, WeightBytes = 7_475_712, Dtype = "BF16", Layers = 4, VocabularySize = 3072, MaxPositions = 512 },
                new Model { Name = "llama2-7b-chat", Family = "llama", Parameters = 6_738_415_616, WeightBytes = 13_476_831_232, Dtype = "BF16", Layers = 32, Prepared = true },
                new Model { Name = "broken", Problem = "config.json: rope_scaling: 'longrope' is not supported" },
            },
        };
        models.Detail = new ModelDetail
        {
            HasChatTemplate = true,
            LinearModules = { "down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj" },
            Folder = "/srv/lema/models/lema-tiny",
            Units =
            {
                new ModelUnit { Name = "embedding", Bytes = 1_572_864, Tensors = { new ModelTensor { Name = "model.embed_tokens.weight", Dtype = "BF16", Shape = { 3072, 256 }, Bytes = 1_572_864, File = "model.safetensors" } } },
                new ModelUnit { Name = "block 0", Bytes = 131_072, Tensors = { new ModelTensor { Name = "model.layers.0.self_attn.q_proj.weight", Dtype = "BF16", Shape = { 256, 256 }, Bytes = 131_072, File = "model.safetensors", Offset = 1_572_864 } } },
            },
        };
        models.Preparation.AddRange([Prepared(0), Prepared(3_000_000), Prepared(7_475_712)]);
    }

    private static Progress Prepared(long bytes) => new() { Phase = "preparing", Done = bytes, Total = 7_475_712, Unit = "bytes" };

    private static void FurnishDatasets(FakeDatasets datasets)
    {
        datasets.List = new ListDatasetsResponse
        {
            Datasets =
            {
                new Dataset { Name = "replies", Rows = 2000, SizeBytes = 989_184, Format = "prompt-completion", Heldout = "replies-heldout", Added = MadeAt },
                new Dataset { Name = "support-chats-of-the-last-year", Rows = 1_250_000, SizeBytes = 5_368_709_120, Format = "messages", Added = MadeAt },
            },
        };
        datasets.Validation = new ValidateDatasetResponse
        {
            Rows = 2000,
            Format = "prompt-completion",
            FormatReason = "20 of the first 20 rows have 'prompt' and 'completion'",
            Tokens = 161_665,
            LossTokens = 93_194,
            MeanRowTokens = 80.8,
            LongestRowTokens = 300,
            RowsOverLength = 2,
            LengthBounds = { 128, 256, 384, int.MaxValue },
            LengthCounts = { 1_900, 98, 2, 0 },
            Problems =
            {
                new DatasetProblem { Line = 17, Field = "completion", Problem = "is empty: no token of the row would carry loss", IsError = true },
                new DatasetProblem { Line = 40, Problem = "is the same as line 12" },
            },
            ProblemCount = 5,
        };
        datasets.Preview = new PreviewDatasetResponse
        {
            Format = "prompt-completion",
            FormatReason = "20 of the first 20 rows have 'prompt' and 'completion'",
            Rows =
            {
                new PreviewRow
                {
                    Row = 7,
                    Tokens =
                    {
                        new PreviewToken { Id = 5, Text = "<|user|>", Special = true }, new PreviewToken { Id = 300, Text = "\nWhat is an antonym of liquid?" }, new PreviewToken { Id = 6, Text = "\n" },
                        new PreviewToken { Id = 2100, Text = "[LEMA_REPLY]\nAnswer: solid\nExplanation: Liquid and solid are opposites, as every schoolchild knows.", CarriesLoss = true },
                        new PreviewToken { Id = 0, Text = "<|endoftext|>", CarriesLoss = true, Special = true },
                    },
                },
            },
        };
    }

    private static void FurnishRuns(FakeTraining training)
    {
        training.Run = Run("first", 1.5e-3, RunState.Completed, 200);
        training.Others.Add(Run("second-try-of-the-night", 3e-4, RunState.Failed, 120));
        training.Others[0].Summary.Reason = "the worker was killed (signal 9); the machine may have run out of memory";
        training.List = new ListRunsResponse
        {
            Runs =
            {
                new RunSummary(training.Run.Summary) { Name = "third", State = RunState.Running, Step = 12_000, TotalSteps = 20_000, SecondsLeft = 4_800 },
                training.Others[0].Summary, training.Run.Summary,
            },
        };
        training.Estimate = new Estimate
        {
            Fits = true,
            Steps = 200,
            SecondsPerStep = 0.25,
            Seconds = 50,
            TokensPerStep = 8192,
            MeanTokensPerStep = 1293,
            StreamedBytesPerStep = 7_475_712,
            TrainableParameters = 299_008,
            BaseParameters = 3_737_856,
            LeastWeightBytes = 2_961_408,
            LeastTotalBytes = 454_307_840,
            Tiers =
            {
                new TierPlan
                {
                    Tier = Tier.Host, UsedBytes = 903_000_000, BudgetBytes = 12_700_000_000, ResidentUnits = 2, Units = 7,
                    Items = { new PlanItem { Name = "slots and pinned units", Bytes = 4_440_064 }, new PlanItem { Name = "trained parameters, gradients and moments", Bytes = 4_784_128 } },
                },
            },
        };
        training.Metrics = new GetMetricsResponse { Series = { Loss() } };
        training.OnWatch((_, writer, _) => writer.WriteAsync(new WatchRunResponse { Snapshot = new RunSnapshot { Sequence = 9, Run = training.Run, Series = { Loss() } } }));
    }

    private static Series Loss()
    {
        Series loss = new() { Name = "loss" };
        for (int step = 1; step <= 200; step++)
        {
            loss.Steps.Add(step);
            loss.Values.Add(0.25 + 4 / Math.Sqrt(step));
            loss.Seconds.Add(step * 0.25);
        }
        return loss;
    }

    private static RunDetail Run(string name, double rate, RunState state, long step) => new()
    {
        Summary = new RunSummary
        {
            Id = "01m89v7qf7fwwrbhewmzfw8jvv",
            Name = name,
            Dataset = "replies",
            Model = "lema-tiny",
            State = state,
            Step = step,
            TotalSteps = 200,
            LastLoss = 0.5328,
            LastEvaluationLoss = 0.6117,
            Created = MadeAt,
            Started = MadeAt,
        },
        EvaluationDataset = "replies-heldout",
        Settings = new RunSettings
        {
            Steps = 200,
            LearningRate = rate,
            MicroBatchSize = 16,
            GradientAccumulation = 1,
            Lora = new LoraSettings { R = 16, Alpha = 32, TargetModules = { "down_proj", "gate_proj", "k_proj", "o_proj", "q_proj" } },
            Memory = new MemorySettings { WeightBytes = 5_000_000 },
            Evaluation = new EvaluationSettings { EverySteps = 100 },
        },
        Totals = new RunTotals { Seconds = 50, Tokens = 258_862, StallSeconds = 0.5, DiskBytes = 1_495_142_400, PeakRssBytes = 770_000_000 },
        Checkpoints =
        {
            new Checkpoint { Step = 100, Bytes = 3_670_016, Path = "checkpoints/checkpoint-100", EvaluationLoss = 0.7012 },
            new Checkpoint { Step = 200, Bytes = 3_670_016, Path = "checkpoints/checkpoint-200", EvaluationLoss = 0.6117, Best = true },
        },
        Evaluations = { new EvaluationPoint { Step = 200, Loss = 0.6117, Questions = 32, ValidFormat = 31, RightAnswer = 30 } },
    };

    private static void FurnishHost(FakeHost host)
    {
        host.Info = new HostInfo
        {
            Version = "0.1.0",
            HostName = "gpu01",
            OperatingSystem = "Debian GNU/Linux 12 (bookworm)",
            Processor = "AMD EPYC",
            ProcessorCount = 16,
            MemoryBytes = 68_719_476_736,
            MemoryAvailableBytes = 60_129_542_144,
            DiskFreeBytes = 806_645_104_640,
            Accelerators = { new Accelerator { Name = "NVIDIA GeForce RTX 3060", MemoryBytes = 12_884_901_888, MemoryFreeBytes = 12_000_000_000 } },
            ModelFamilies = { "gemma2", "gemma3_text", "gpt2", "granite", "lfm2", "llama", "mistral", "qwen3" },
            Capabilities = { "training.pause", "chat", "merge", "uploads.resumable" },
            TokenName = "laptop",
            Role = Role.Operator,
            Reservations = { new MemoryReservation { Job = "run third", Bytes = 903_000_000 } },
        };
        host.Diagnosis = new DiagnoseResponse
        {
            DiskBytesPerSecond = 2.6e9,
            GemmBf16Flops = 4.36e11,
            GemmFp32Flops = 1.82e11,
            MemoryBytesPerSecond = 3.6e10,
            Findings =
            {
                new Diagnosis { Severity = Diagnosis.Types.Severity.Ok, Subject = "disk space", Finding = "806,645,104,640 bytes are free." },
                new Diagnosis { Severity = Diagnosis.Types.Severity.Warning, Subject = "disk speed", Finding = "120 MB/s, read past the page cache: streaming will wait for it.", Remedy = "Keep models on an NVMe disk." },
            },
        };
    }

    private static void FurnishJobs(FakeDaemon daemon)
    {
        Progress half = new() { Phase = "replies", Done = 50, Total = 100, Unit = "questions" };
        daemon.Evaluation.End = new EvaluationJob
        {
            Id = "e1",
            State = JobState.Completed,
            Progress = half,
            Result = new EvaluationResult { Questions = 100, ValidFormat = 99, RightAnswer = 95, ReplyFormat = "lema", Seconds = 12.5 },
        };
        daemon.Exports.End = new Export
        {
            Id = "x1",
            State = JobState.Completed,
            Run = "first",
            Step = 200,
            Dtype = "base",
            ModelName = "first-step200",
            Bytes = 7_654_321,
            Seconds = 0.8,
            Folder = "/srv/lema/models/first-step200",
            Progress = new Progress { Phase = "merging", Done = 3_737_856, Total = 7_475_712, Unit = "bytes" },
        };
    }
}
