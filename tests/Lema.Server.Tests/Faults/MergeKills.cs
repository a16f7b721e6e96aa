using System.Diagnostics;
using Grpc.Core;
using Lema.Protocol.V1;
using Lema.Testing;

namespace Lema.Server.Tests.Faults;

/// <summary>
/// Merges, with and without the comparison of the result, that are killed, cancelled or both at moments by chance, and deletions of what was merged that are cut off. The
/// model is there whole and listed, or neither; its export has an end that is told; nothing half-done is left.
/// </summary>
internal sealed class MergeKills(KilledDaemon daemon, Random random)
{
    private const string Part = "models";

    private static readonly TimeSpan Late = TimeSpan.FromMinutes(2);

    private string _whole = "";
    private TimeSpan _time;

    private enum Disturbance { None, Kill, Cancel, CancelAndKill }

    /// <summary>How merges and deletions ended, by what was done to them.</summary>
    public SortedDictionary<string, int> Ends { get; } = [];

    private Exports.ExportsClient Exports => new(daemon.Channel);

    private Protocol.V1.Models.ModelsClient Models => new(daemon.Channel);

    /// <summary>A merge that is left alone, with which the others are compared.</summary>
    public async Task MergeUndisturbedAsync(string run, string model)
    {
        Stopwatch clock = Stopwatch.StartNew();
        StartMergeRequest request = Request(run, model, check: true);
        Export export = await EndAsync(await Exports.StartMergeAsync(request));
        _time = clock.Elapsed;
        Assert.Equal(JobState.Completed, export.State);
        Assert.True(export.HasMaxLogitDifference);
        _whole = Sha256.OfFile(WeightsOf(model));
    }

    /// <param name="mayKill">Otherwise it is left alone.</param>
    public async Task MergeAndDeleteAsync(string run, string model, bool mayKill)
    {
        StartMergeRequest request = Request(run, model, check: random.Next(2) == 0);
        Disturbance disturbance = mayKill ? (Disturbance)random.Next(4) : Disturbance.None;
        Export? started = disturbance switch
        {
            Disturbance.None => await Exports.StartMergeAsync(request),
            Disturbance.Kill => await KillAsync(request),
            _ => await CancelAsync(request, disturbance == Disturbance.CancelAndKill),
        };
        // Where the kill came before the start was written down, it is the start.
        Export export = await Exports.StartMergeAsync(request);
        if (started is not null) Assert.Equal(started.Id, export.Id);
        export = await EndAsync(export);
        bool isListed = await CheckAsync(model);
        Count($"{disturbance}{(request.Check ? " with check" : "")}: {export.State}{(export.State == JobState.Completed && request.Check && !export.HasMaxLogitDifference ? ", not compared" : "")}");

        Assert.Equal(export.State == JobState.Completed, isListed);
        if (export.State != JobState.Completed) Assert.NotEqual("", export.Error);
        else Assert.Equal(request.Check && !export.HasMaxLogitDifference, export.Error.Length > 0);
        if (disturbance == Disturbance.None) Assert.Equal((JobState.Completed, request.Check), (export.State, export.HasMaxLogitDifference));
        if (disturbance == Disturbance.Kill) Assert.NotEqual(JobState.Cancelled, export.State);
        if (isListed) await DeleteAsync(model, mayKill && random.Next(2) == 0);
    }

    private static StartMergeRequest Request(string run, string model, bool check) => new() { Run = run, ModelName = model, IdempotencyKey = "merge " + model, Check = check };

    private async Task<Export?> KillAsync(StartMergeRequest request)
    {
        Task<Export?> starting = UnlessKilledAsync(Exports.StartMergeAsync(request));
        await UntilSometimeAsync();
        bool killsDaemon = random.Next(2) == 0;
        if (killsDaemon) await daemon.KillAsync();
        else daemon.KillWorker();
        Export? started = await starting;
        Assert.True(killsDaemon || started is not null);
        return started;
    }

    private async Task<Export> CancelAsync(StartMergeRequest request, bool kill)
    {
        Export started = await Exports.StartMergeAsync(request);
        await UntilSometimeAsync();
        Task<Export?> cancelling = UnlessKilledAsync(Exports.CancelExportAsync(new CancelExportRequest { Id = started.Id }));
        if (kill)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 100));
            if (random.Next(4) > 0) await daemon.KillAsync();
            else daemon.KillWorker();
        }
        // Over when the call answers.
        if (await cancelling is { } answered) Assert.Contains(answered.State, (JobState[])[JobState.Cancelled, JobState.Completed]);
        else Assert.True(kill);
        return started;
    }

    private async Task DeleteAsync(string model, bool kill)
    {
        DeleteModelRequest request = new() { Name = model };
        if (kill)
        {
            Task deleting = UnlessKilledAsync(Models.DeleteModelAsync(request));
            if (random.Next(2) == 0) await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 20));
            else await daemon.UntilMadeAsync(Part, ".removed", times: 1, late: TimeSpan.FromMilliseconds(50));
            await daemon.KillAsync();
            await deleting;
            bool isListed = await CheckAsync(model);
            Count($"deletion cut off: {(isListed ? "still there" : "gone")}");
            if (!isListed) return;
        }
        await Models.DeleteModelAsync(request);
        Assert.False(await CheckAsync(model));
    }

    /// <summary>Somewhere in a merge, or when its folder is being made or has just been.</summary>
    private async Task UntilSometimeAsync()
    {
        int moment = random.Next(3);
        if (moment == 0) await Task.Delay(_time * (random.NextDouble() * 5 / 4));
        else await daemon.UntilMadeAsync(Part, "merged", times: moment == 1 ? 1 : random.Next(2, 12), 2 * _time);
        await Task.Delay(TimeSpan.FromMilliseconds(random.NextDouble() * 5));
    }

    /// <returns>The export as it ended.</returns>
    private async Task<Export> EndAsync(Export export)
    {
        await foreach (Export now in Exports.WatchExport(new WatchExportRequest { Id = export.Id }, deadline: DateTime.UtcNow + Late).ResponseStream.ReadAllAsync()) export = now;
        Assert.Contains(export.State, (JobState[])[JobState.Completed, JobState.Failed, JobState.Cancelled]);
        Assert.Equal(export, await Exports.GetExportAsync(new GetExportRequest { Id = export.Id }));
        return export;
    }

    /// <summary>The model is there whole and listed, or neither.</summary>
    /// <returns>Whether it is listed.</returns>
    private async Task<bool> CheckAsync(string model)
    {
        bool isListed = (await Models.ListModelsAsync(new ListModelsRequest())).Models.Any(one => one.Name == model);
        Assert.Equal(Directory.Exists(Path.GetDirectoryName(WeightsOf(model))), isListed);
        if (isListed) Assert.Equal(_whole, Sha256.OfFile(WeightsOf(model)));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(daemon.Data, Part), ".*"));
        return isListed;
    }

    private string WeightsOf(string model) => Path.Combine(daemon.Data, Part, model, "model.safetensors");

    private void Count(string end) => Ends[end] = Ends.GetValueOrDefault(end) + 1;

    /// <returns>Null where the daemon was killed before it answered.</returns>
    private static async Task<T?> UnlessKilledAsync<T>(AsyncUnaryCall<T> call) where T : class
    {
        try
        {
            return await call;
        }
        catch (RpcException)
        {
            return null;
        }
    }
}
