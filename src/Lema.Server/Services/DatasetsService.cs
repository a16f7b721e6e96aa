using System.Security.Cryptography;
using Grpc.Core;
using Lema.Engine.Datasets.Replies;
using Lema.Engine.Errors;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.EngineJobs;
using Lema.Server.Errors;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;

namespace Lema.Server.Services;

/// <summary>Training data, for clients. Made for each call.</summary>
internal sealed class DatasetsService(DatasetRegistry datasets, DatasetInspection inspection, ModelRegistry models, DataFolder data, PatientReader reader) : Protocol.V1.Datasets.DatasetsBase
{
    private const string TrainSuffix = "-train", HeldoutSuffix = "-heldout";
    private const double DefaultShare = 0.1;
    private const int DefaultPreview = 5, MostPreview = 100;
    private const long LargestUpload = 64L << 30;
    private const string AfterSilence = "Upload it again; an upload of Artifacts.BeginUpload goes on where it stopped.";

    public override async Task<BuildDatasetResponse> BuildDataset(BuildDatasetRequest request, ServerCallContext context)
    {
        ResourceNames.Check("name", request.Name);
        string heldoutName = request.Name + HeldoutSuffix;
        ResourceNames.Check("name", heldoutName);
        datasets.CheckFree(request.Name, request.Overwrite);
        datasets.CheckFree(heldoutName, request.Overwrite);
        if (request.Seed is < 0 or > int.MaxValue) throw new InvalidInputException("request", "seed", $"{request.Seed} is not between 0 and {int.MaxValue}.");
        ReplyDatasetOptions defaults = new();
        ReplyDatasetOptions options = defaults with
        {
            Seed = (int)request.Seed, TrainRows = request.Rows > 0 ? request.Rows : defaults.TrainRows, HeldOutRows = request.HeldoutRows > 0 ? request.HeldoutRows : defaults.HeldOutRows,
        };
        string folder = NewFolder();
        try
        {
            string built = Path.Combine(folder, "rows");
            ReplyDatasetBuilder.Build(built, options);
            Dataset heldout = await datasets.AddAsync(heldoutName, Path.Combine(built, ReplyDatasetBuilder.HeldOutFile), ".jsonl", heldout: "", request.Overwrite);
            Dataset train = await datasets.AddAsync(request.Name, Path.Combine(built, ReplyDatasetBuilder.TrainFile), ".jsonl", heldoutName, request.Overwrite);
            return new BuildDatasetResponse { Train = train, Heldout = heldout };
        }
        finally
        {
            Folders.DeleteIfThere(folder);
        }
    }

    public override async Task<SplitDatasetResponse> SplitDataset(SplitDatasetRequest request, ServerCallContext context)
    {
        string source = datasets.FileOf(request.Name), trainName = request.Name + TrainSuffix, heldoutName = request.Name + HeldoutSuffix;
        foreach (string name in (string[])[trainName, heldoutName])
        {
            ResourceNames.Check("name", name);
            datasets.CheckFree(name, request.Overwrite);
        }
        if (source.EndsWith(".safetensors", StringComparison.Ordinal)) throw new InvalidInputException("request", "name", "a pre-tokenized dataset cannot be divided: it is used in its own order.");
        if (!(request.Share >= 0 && request.Share < 1)) throw new InvalidInputException("request", "share", $"{request.Share} is not between 0 and 1.");
        if (request.Seed is < 0 or > int.MaxValue) throw new InvalidInputException("request", "seed", $"{request.Seed} is not between 0 and {int.MaxValue}.");
        Engine.Datasets.Files.DatasetSplit split = new(request.Share > 0 ? request.Share : DefaultShare, (int)request.Seed, request.Key.Length > 0 ? request.Key : null);
        string folder = NewFolder();
        try
        {
            string train = Path.Combine(folder, "train"), heldout = Path.Combine(folder, "heldout");
            await Task.Run(() => DatasetErrors.Named([(source, request.Name)], () =>
            {
                split.Write(source, train, heldout);
                return true;
            }));
            Dataset held = await datasets.AddAsync(heldoutName, heldout, ".jsonl", heldout: "", request.Overwrite);
            return new SplitDatasetResponse { Train = await datasets.AddAsync(trainName, train, ".jsonl", heldoutName, request.Overwrite), Heldout = held };
        }
        finally
        {
            Folders.DeleteIfThere(folder);
        }
    }

    public override async Task<Dataset> UploadDataset(IAsyncStreamReader<UploadDatasetRequest> requestStream, ServerCallContext context)
    {
        if (!await reader.MoveNextAsync(requestStream, AfterSilence, context.CancellationToken) || requestStream.Current.Header is not { } header)
            throw new InvalidInputException("request", "header", "the first message of an upload is its header.");
        ResourceNames.Check("header.name", header.Name);
        datasets.CheckFree(header.Name, header.Overwrite);
        if (header.SizeBytes is < 0 or > LargestUpload) throw new InvalidInputException("request", "header.size_bytes", $"{header.SizeBytes} is not between 0 and {LargestUpload}.");
        string folder = NewFolder();
        try
        {
            string file = Path.Combine(folder, "file");
            await ReceiveAsync(requestStream, header, file, context.CancellationToken);
            return await datasets.AddAsync(header.Name, file, Engine.Datasets.Files.DatasetFile.EndingOf(header.FileName), heldout: "", header.Overwrite);
        }
        finally
        {
            Folders.DeleteIfThere(folder);
        }
    }

    public override Task<ListDatasetsResponse> ListDatasets(ListDatasetsRequest request, ServerCallContext context)
    {
        ListDatasetsResponse response = new();
        response.Datasets.AddRange(datasets.List());
        return Task.FromResult(response);
    }

    public override Task<ValidateDatasetResponse> ValidateDataset(ValidateDatasetRequest request, ServerCallContext context)
    {
        Dataset dataset = datasets.Get(request.Name);
        string? model = request.Model.Length > 0 ? models.Get(request.Model).Folder : null, heldout = HeldoutFile(dataset, request.Heldout);
        Engine.Datasets.Batches.DataSettings data = Reading(request.Data);
        int maxLength = model is null ? request.MaxLength : LongestRow(model, request.MaxLength);
        return Task.Run(() => inspection.Validate(datasets.FileOf(request.Name), model, maxLength, data, heldout, context.CancellationToken));
    }

    public override async Task<PreviewDatasetResponse> PreviewDataset(PreviewDatasetRequest request, ServerCallContext context)
    {
        int count = request.Count <= 0 ? DefaultPreview : Math.Min(request.Count, MostPreview);
        Dataset dataset = datasets.Get(request.Name);
        string model = models.Get(request.Model).Folder;
        Engine.Datasets.Batches.DataSettings data = Reading(request.Data);
        string file = datasets.FileOf(request.Name);
        PreviewDatasetResponse response = await Task.Run(() => DatasetErrors.Named(
            [(file, request.Name)], () => inspection.Preview(file, model, data, Math.Max(0, request.FirstRow), count, LongestRow(model, request.MaxLength))));
        response.TotalRows = dataset.Rows;
        return response;
    }

    public override async Task<DeleteDatasetResponse> DeleteDataset(DeleteDatasetRequest request, ServerCallContext context)
    {
        await datasets.DeleteAsync(request.Name);
        return new DeleteDatasetResponse();
    }

    /// <summary>The rows that a dataset must not share: those of a named dataset, or else of the one that belongs to it, where it is still there.</summary>
    private string? HeldoutFile(Dataset dataset, string named) =>
        named.Length > 0 ? datasets.FileOf(named) : dataset.Heldout.Length > 0 && datasets.Exists(dataset.Heldout) ? datasets.FileOf(dataset.Heldout) : null;

    private static Engine.Datasets.Batches.DataSettings Reading(DataSettings? given) => SettingsMapping.ToEngine(RunSettingsDefaults.FillData(given?.Clone() ?? new DataSettings()));

    /// <summary>Tokens of a row as asked for, or else the model's own limit.</summary>
    private static int LongestRow(string modelFolder, int asked) => asked > 0 ? asked : ModelDescription.Read(modelFolder).Architecture.MaxPositions;

    private async Task ReceiveAsync(IAsyncStreamReader<UploadDatasetRequest> stream, UploadDatasetRequest.Types.Header header, string file, CancellationToken stop)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long received = 0;
        await using (FileStream output = File.Create(file))
        {
            await foreach (UploadDatasetRequest message in reader.ReadAllAsync(stream, AfterSilence, stop))
            {
                received += message.Chunk.Length;
                if (message.KindCase != UploadDatasetRequest.KindOneofCase.Chunk || received > header.SizeBytes)
                    throw new InvalidInputException("upload", header.FileName, $"more came than the {header.SizeBytes} bytes that were announced.");
                hash.AppendData(message.Chunk.Span);
                await output.WriteAsync(message.Chunk.Memory, stop);
            }
            output.Flush(flushToDisk: true);
        }
        if (received != header.SizeBytes) throw new InvalidInputException("upload", header.FileName, $"{received} of {header.SizeBytes} bytes arrived. Upload it again.");
        if (header.Sha256.Length > 0 && !string.Equals(Convert.ToHexString(hash.GetHashAndReset()), header.Sha256, StringComparison.OrdinalIgnoreCase))
            throw new InvalidInputException("upload", header.FileName, "its SHA-256 is another: it was damaged on the way. Upload it again.");
    }

    private string NewFolder() => Directory.CreateDirectory(Path.Combine(data.Uploads, ".dataset-" + Guid.NewGuid().ToString("N"))).FullName;
}
