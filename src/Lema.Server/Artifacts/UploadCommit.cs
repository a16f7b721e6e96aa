using System.Collections.Concurrent;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.Errors;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;

namespace Lema.Server.Artifacts;

/// <summary>Makes a finished upload a model, dataset or adapter of this host. Lives as long as the daemon.</summary>
internal sealed class UploadCommit(UploadStore uploads, ModelRegistry models, DatasetRegistry datasets, RunUses uses, DataFolder data, IFileLayer? files = null)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<CommitUploadResponse>>> _running = new(StringComparer.Ordinal);

    /// <summary>A client whose line broke meanwhile asks again, and waits for the commit that is under way.</summary>
    /// <exception cref="LemaException">A file is not whole, or the whole is not what it is said to be.</exception>
    public async Task<CommitUploadResponse> CommitAsync(CommitUploadRequest request)
    {
        Lazy<Task<CommitUploadResponse>> commit = _running.GetOrAdd(request.UploadId, _ => new Lazy<Task<CommitUploadResponse>>(() => CarryOutAsync(request)));
        try
        {
            return await commit.Value.ConfigureAwait(false);
        }
        finally
        {
            _running.TryRemove(KeyValuePair.Create(request.UploadId, commit));
        }
    }

    private async Task<CommitUploadResponse> CarryOutAsync(CommitUploadRequest request)
    {
        BeginUploadRequest announced = uploads.RequestOf(request.UploadId);
        await uploads.VerifyAsync(request.UploadId, request.Files).ConfigureAwait(false);
        string folder = uploads.FilesOf(request.UploadId);
        switch (announced.Kind)
        {
            case UploadKind.Model:
                await AddModelAsync(announced.Name, folder).ConfigureAwait(false);
                break;
            case UploadKind.Dataset:
                string file = Path.Combine(folder, announced.Files[0].Path);
                await datasets.AddAsync(announced.Name, file, Engine.Datasets.Files.DatasetFile.EndingOf(file), heldout: "", announced.Overwrite).ConfigureAwait(false);
                break;
            case UploadKind.Adapter:
                foreach (string needed in (string[])["adapter_config.json", "adapter_model.safetensors"])
                    if (!File.Exists(Path.Combine(folder, needed))) throw new InvalidInputException("upload", needed, "is missing; a PEFT adapter folder has it.");
                await uses.AloneAsync(() =>
                {
                    uses.Check($"Adapter '{announced.Name}'", "replaced", run => run.Settings?.InitAdapter == announced.Name, ", or choose another name");
                    return Task.FromResult(Move(folder, data.Adapters, announced.Name, announced.Overwrite));
                }).ConfigureAwait(false);
                break;
            default:
                throw new InvalidInputException("request", "kind", "say what is uploaded: a model, a dataset or an adapter.");
        }
        uploads.Remove(request.UploadId);
        return new CommitUploadResponse { Kind = announced.Kind, Name = announced.Name };
    }

    private async Task AddModelAsync(string name, string folder)
    {
        models.Reserve(name);
        try
        {
            ModelDescription.Read(folder);
            // No model's, or its name would be taken: what could not be registered once.
            await models.RegisterAsync(name, ModelOrigin.Uploaded, Move(folder, data.Models, name, overwrite: true)).ConfigureAwait(false);
        }
        finally
        {
            models.Release(name);
        }
    }

    private string Move(string folder, string parent, string name, bool overwrite)
    {
        string target = Path.Combine(parent, name);
        if (Directory.Exists(target) && !overwrite) throw new ConflictException($"There is '{name}' already. Choose another name, or say that it is to be replaced.");
        Folders.Replace(folder, target, files);
        return target;
    }
}
