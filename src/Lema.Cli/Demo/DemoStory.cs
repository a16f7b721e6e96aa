using Grpc.Core;
using Lema.Cli.Connections;
using Lema.Cli.Conversations;
using Lema.Cli.Errors;
using Lema.Cli.Following;
using Lema.Cli.Rendering;
using Lema.Cli.Terminals;
using Lema.Cli.Transfers;
using Lema.Protocol.V1;
using Spectre.Console;

namespace Lema.Cli.Demo;

/// <summary>The whole road on the embedded model, told step by step. What it makes on the host has names that begin with <paramref name="name"/>.</summary>
/// <param name="folder">Where adapter and merged models are downloaded to.</param>
internal sealed class DemoStory(HostConnection host, Output output, CliEnvironment environment, string name, long seed, string folder)
{
    private const int ShownReplies = 2;
    private const int Chapters = 7;

    private readonly long _start = environment.Clock.GetTimestamp();
    private int _chapter;

    public async Task<DemoResult> TellAsync(CancellationToken cancellation)
    {
        BuildDatasetResponse data = await BuildDatasetAsync(cancellation);
        Model model = await PrepareAsync(cancellation);
        EvaluationOutcome before = await EvaluateAsync("Base model, before training", new ModelReference { Model = model.Name }, data.Heldout.Name, cancellation);
        RunDetail run = await TrainAsync(model, data.Train.Name, cancellation);
        EvaluationOutcome after = await EvaluateAsync("Tuned model", new ModelReference { Run = run.Summary.Id }, data.Heldout.Name, cancellation);
        string adapter = await DownloadAdapterAsync(run, cancellation);
        Chapter("Merge the adapter into the base, in float32 and in the base's own type");
        Export exact = await MergeAsync(run, "float32", cancellation);
        Export rounded = await MergeAsync(run, "base", cancellation);
        EvaluationOutcome merged = await EvaluateAsync("Merged model, base type", new ModelReference { Model = rounded.ModelName }, data.Heldout.Name, cancellation);
        return new DemoResult
        {
            Seed = seed,
            HeldOutQuestions = after.Result.Questions,
            BaseValidFormat = Share(before.Result.ValidFormat, before.Result),
            TunedValidFormat = Share(after.Result.ValidFormat, after.Result),
            HeldOutRightAnswer = Share(after.Result.RightAnswer, after.Result),
            MergedValidFormat = Share(merged.Result.ValidFormat, merged.Result),
            MergedRightAnswer = Share(merged.Result.RightAnswer, merged.Result),
            Steps = run.Summary.Step,
            TrainSeconds = run.Totals.Seconds,
            Seconds = environment.Clock.GetElapsedTime(_start).TotalSeconds,
            MergedFolder = Folder(exact),
            MergedBaseFolder = Folder(rounded),
            AdapterFolder = adapter,
            MergedMaxLogitDifference = exact.MaxLogitDifference,
            ModelBytes = model.WeightBytes,
            WeightBudgetBytes = DemoSettings.WeightBudgetBytes,
            StreamedBytes = run.Totals.DiskBytes,
            PeakRssBytes = run.Totals.PeakRssBytes,
        };
    }

    /// <summary>Removes from the host what the story made there.</summary>
    public async Task ForgetAsync(CancellationToken cancellation)
    {
        await IgnoreMissingAsync(() => host.Training.DeleteRunAsync(new DeleteRunRequest { Run = name }, cancellationToken: cancellation).ResponseAsync);
        foreach (string model in new[] { MergedName("float32"), MergedName("base") })
        {
            await IgnoreMissingAsync(() => host.Models.DeleteModelAsync(new DeleteModelRequest { Name = model }, cancellationToken: cancellation).ResponseAsync);
        }
        foreach (string dataset in new[] { name, $"{name}-heldout" })
        {
            await IgnoreMissingAsync(() => host.Datasets.DeleteDatasetAsync(new DeleteDatasetRequest { Name = dataset }, cancellationToken: cancellation).ResponseAsync);
        }
    }

    private async Task<BuildDatasetResponse> BuildDatasetAsync(CancellationToken cancellation)
    {
        Chapter("Make a dataset of questions and strictly formatted replies, split by fact");
        BuildDatasetRequest request = new() { Name = name, Rows = DemoSettings.TrainingRows, HeldoutRows = DemoSettings.HeldOutQuestions, Seed = seed };
        BuildDatasetResponse data = await host.Datasets.BuildDatasetAsync(request, cancellationToken: cancellation);
        Say($"{Quantity.Count(data.Train.Rows)} rows to train on, {Quantity.Count(data.Heldout.Rows)} held out; no fact is on both sides (seed {seed}).");
        return data;
    }

    private async Task<Model> PrepareAsync(CancellationToken cancellation)
    {
        Chapter($"Prepare {DemoSettings.Model}: write its tensors in layer order, so that a layer is one sequential read");
        using AsyncServerStreamingCall<PrepareModelResponse> call = host.Models.PrepareModel(new PrepareModelRequest { Name = DemoSettings.Model }, cancellationToken: cancellation);
        JobProgress progress = new(output, environment.Clock);
        Model? model = null;
        await foreach (PrepareModelResponse message in call.ResponseStream.ReadAllAsync(cancellation))
        {
            if (message.KindCase == PrepareModelResponse.KindOneofCase.Progress) progress.Show(message.Progress);
            else model = message.Completed;
        }
        progress.End();
        if (model is null) throw new CliException(ExitCode.Failed, $"The daemon did not say how preparing {DemoSettings.Model} ended.");
        Say($"{Quantity.Count(model.Parameters)} parameters in {model.Layers} layers, {Quantity.Count(model.WeightBytes)} bytes as {model.Dtype}.");
        return model;
    }

    private async Task<EvaluationOutcome> EvaluateAsync(string title, ModelReference target, string heldout, CancellationToken cancellation)
    {
        Chapter($"{title}: {DemoSettings.HeldOutQuestions} held-out questions");
        StartEvaluationRequest request = new() { Target = target, Dataset = heldout, MaxTokens = DemoSettings.ReplyTokens };
        EvaluationOutcome outcome = await new EvaluationFollower(host, output, environment.Clock).RunAsync(request, cancellation);
        foreach (EvaluatedReply reply in outcome.Replies.Take(ShownReplies)) Quote(reply);
        EvaluationResult result = outcome.Result;
        Say($"valid format {result.ValidFormat} of {result.Questions} ({Quantity.Percent(Share(result.ValidFormat, result))}), right answer {result.RightAnswer} ({Quantity.Percent(Share(result.RightAnswer, result))}), in {Quantity.Duration(result.Seconds)}.");
        return outcome;
    }

    private async Task<RunDetail> TrainAsync(Model model, string dataset, CancellationToken cancellation)
    {
        Chapter($"Train a LoRA adapter for {DemoSettings.Steps} steps, the weights streamed under a budget of {Quantity.Count(DemoSettings.WeightBudgetBytes)} bytes");
        Say($"The model has {Quantity.Count(model.WeightBytes)} bytes, so it is never in memory as a whole.");
        StartRunRequest request = new() { Name = name, Model = model.Name, Dataset = dataset, Settings = DemoSettings.Settings(seed), IdempotencyKey = Guid.NewGuid().ToString("N") };
        RunDetail started = await host.Training.StartRunAsync(request, cancellationToken: cancellation);
        int exitCode = await new RunFollower(host, output, environment).FollowAsync(started.Summary.Id, reattach: null, afterSequence: null, cancellation);
        RunDetail ended = await host.Training.GetRunAsync(new GetRunRequest { Run = started.Summary.Id }, cancellationToken: cancellation);
        if (exitCode != ExitCode.Done) throw new CliException(ExitCode.Failed, $"Training failed: {ended.Summary.Reason}");
        RunTotals totals = ended.Totals;
        Say($"{ended.Summary.Step} steps in {Quantity.Duration(totals.Seconds)}, {Quantity.Count(totals.Tokens / Math.Max(totals.Seconds, 1e-9))} tokens a second, last loss {Quantity.Loss(ended.Summary.LastLoss)}.");
        Say($"Streamed {Quantity.Bytes(totals.DiskBytes)} of weights ({totals.DiskBytes / (double)model.WeightBytes:0.0} times the model); peak memory of the process {Quantity.Bytes(totals.PeakRssBytes)}.");
        return ended;
    }

    private async Task<string> DownloadAdapterAsync(RunDetail run, CancellationToken cancellation)
    {
        Checkpoint last = run.Checkpoints.MaxBy(c => c.Step) ?? throw new CliException(ExitCode.Failed, "The run left no checkpoint.");
        string owner = $"run/{run.Summary.Id}";
        ListArtifactsResponse files = await host.Artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = owner }, cancellationToken: cancellation);
        string prefix = last.Path.TrimEnd('/') + "/";
        IEnumerable<FileEntry> adapter = files.Files.Where(f => f.Path.StartsWith(prefix, StringComparison.Ordinal));
        string staging = Path.Combine(folder, "run");
        await new Downloader(host, output, environment.Clock).DownloadAsync(owner, [.. adapter], staging, cancellation);
        string target = Path.Combine(folder, "adapter");
        Directory.Move(Path.Combine(staging, prefix.TrimEnd('/')), target);
        Directory.Delete(staging, recursive: true);
        return target;
    }

    private async Task<Export> MergeAsync(RunDetail run, string dtype, CancellationToken cancellation)
    {
        StartMergeRequest request = new() { Run = run.Summary.Id, Dtype = dtype, ModelName = MergedName(dtype), Check = true, IdempotencyKey = Guid.NewGuid().ToString("N") };
        Export merged = await new ExportFollower(host, output, environment.Clock).RunAsync(request, cancellation);
        string owner = $"model/{merged.ModelName}";
        ListArtifactsResponse files = await host.Artifacts.ListArtifactsAsync(new ListArtifactsRequest { Owner = owner }, cancellationToken: cancellation);
        await new Downloader(host, output, environment.Clock).DownloadAsync(owner, files.Files, Folder(merged), cancellation);
        Say($"{dtype}: {Quantity.Bytes(merged.Bytes)} in {Quantity.Duration(merged.Seconds)}; largest difference of a logit from base + adapter {merged.MaxLogitDifference:0.0e-0}.");
        return merged;
    }

    private string MergedName(string dtype) => $"{name}-{dtype}";

    private string Folder(Export merged) => Path.Combine(folder, $"merged-{merged.Dtype}");

    private void Quote(EvaluatedReply reply)
    {
        Say($"> {reply.Question}");
        foreach (string line in reply.Text.Trim().Split('\n')) Say($"  {line}");
    }

    private void Chapter(string title)
    {
        output.Live.Clear();
        output.Text.WriteLine();
        output.Text.Write(new Text($"{++_chapter}/{Chapters} {title}", new Style(decoration: Decoration.Bold)));
        output.Text.WriteLine();
    }

    private void Say(string text)
    {
        output.Live.Clear();
        output.Text.WriteLine(SafeText.Of($"    {text}"));
    }

    private static double Share(int count, EvaluationResult result) => result.Questions == 0 ? 0 : (double)count / result.Questions;

    private static async Task IgnoreMissingAsync(Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.NotFound)
        {
            // The story did not come that far.
        }
    }
}
