using Lema.Engine.Errors;
using Lema.Server.Datasets;
using Lema.Server.Models;
using Lema.Server.Runs;
using Lema.Server.Storage;

namespace Lema.Server.Artifacts;

/// <summary>Folders behind the owners that clients name: <c>run/</c>, <c>model/</c>, <c>dataset/</c> or <c>adapter/</c> and an id or name. Lives as long as the daemon.</summary>
internal sealed class ArtifactOwners(RunDirectory runs, ModelRegistry models, DatasetRegistry datasets, DataFolder data)
{
    /// <summary>The files of an owner: paths as clients see them, and where they are.</summary>
    /// <exception cref="NotFoundException">There is no such owner.</exception>
    public IEnumerable<(string Path, FileInfo File)> Files(string owner)
    {
        (string kind, string name) = Split(owner);
        if (kind == "dataset") return [DatasetFile(name)];
        string folder = FolderOf(kind, name);
        return Directory.Exists(folder) ? Folders.Files(folder) : [];
    }

    /// <summary>Full path of one file.</summary>
    /// <exception cref="NotFoundException">There is no such owner or file.</exception>
    public string Find(string owner, string path)
    {
        (string kind, string name) = Split(owner);
        string? file = kind == "dataset"
            ? DatasetFile(name) is var (own, info) && own == path ? info.FullName : null
            : Folders.FindFile(FolderOf(kind, name), path);
        return file ?? throw new NotFoundException("artifact", $"{owner}/{path}", "`lema-remote artifact list` shows what there is.");
    }

    private string FolderOf(string kind, string name) => kind switch
    {
        "run" => data.RunFolder(runs.Get(name).Id),
        "model" => models.Get(name).Folder,
        "adapter" when ResourceNames.IsValid(name) && Directory.Exists(Path.Combine(data.Adapters, name)) => Path.Combine(data.Adapters, name),
        "adapter" => throw new NotFoundException("adapter", name, "Upload it with `lema-remote artifact upload`."),
        _ => throw new InvalidInputException("request", "owner", $"'{kind}' owns nothing: use run/NAME, model/NAME, dataset/NAME or adapter/NAME."),
    };

    private (string Path, FileInfo File) DatasetFile(string name)
    {
        FileInfo file = new(datasets.FileOf(name));
        return (name + file.Extension, file);
    }

    private static (string Kind, string Name) Split(string owner)
    {
        string[] parts = owner.Split('/');
        return parts.Length == 2 && parts.All(part => part.Length > 0)
            ? (parts[0], parts[1]) : throw new InvalidInputException("request", "owner", "use run/NAME, model/NAME, dataset/NAME or adapter/NAME.");
    }
}
