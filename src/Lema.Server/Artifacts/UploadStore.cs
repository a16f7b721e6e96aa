using System.Security.Cryptography;
using Google.Protobuf;
using Lema.Engine.Datasets.Files;
using Lema.Engine.Errors;
using Lema.Engine.Storage;
using Lema.Protocol.V1;
using Lema.Server.Datasets;
using Lema.Server.Errors;
using Lema.Server.Storage;

namespace Lema.Server.Artifacts;

/// <summary>
/// Uploads under way: a folder each, with what was announced (<c>request</c>), what has arrived (<c>state</c>) and the files. Everything is on disk, so that an upload
/// goes on after a restart. Lives as long as the daemon.
/// </summary>
internal sealed class UploadStore(DataFolder data, TimeProvider clock, IFileLayer? files = null)
{
    public const int LargestChunk = 1 << 20;

    private const string RequestFile = "request", StateFile = "state", FilesFolder = "files";
    private const int MostFiles = 10_000;
    private const long MostBytes = 4L << 40;

    /// <summary>An upload that nobody has gone on with for so long keeps no space from others.</summary>
    private static readonly TimeSpan UnderWay = TimeSpan.FromMinutes(15);

    private readonly Lock _gate = new();
    private readonly IFileLayer _files = files ?? FileLayer.Instance;

    /// <exception cref="LemaException">The announcement is not valid, or the disk has no room for what it announces.</exception>
    public Upload Begin(BeginUploadRequest request)
    {
        Check(request);
        string id = Id(request);
        string folder = FolderOf(id);
        lock (_gate)
        {
            if (!File.Exists(Path.Combine(folder, RequestFile)))
            {
                Folders.DeleteIfThere(folder, _files);
                CheckSpace(request.Files.Sum(file => file.SizeBytes));
                Directory.CreateDirectory(Path.Combine(folder, FilesFolder));
                foreach (FileEntry file in request.Files)
                {
                    string path = Path.Combine(folder, FilesFolder, file.Path);
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    using FileStream created = File.Create(path);
                    created.SetLength(file.SizeBytes);
                }
                Upload upload = new() { Id = id, TotalBytes = request.Files.Sum(f => f.SizeBytes) };
                upload.Files.AddRange(request.Files.Select(f => new UploadFile { Path = f.Path, SizeBytes = f.SizeBytes }));
                Save(folder, StateFile, upload);
                // With the request, which comes last, the upload is there; so are its files then, whatever happens.
                foreach (string inner in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories)) _files.SyncFolder(inner);
                Save(folder, RequestFile, request);
                _files.SyncFolder(data.Uploads);
            }
            return Get(id);
        }
    }

    private void CheckSpace(long bytes)
    {
        long free = new DriveInfo(data.Root).AvailableFreeSpace, promised = PromisedBytes();
        if (bytes > free - promised) throw new DiskSpaceException("The upload", bytes, free, promised);
    }

    /// <summary>What is still to come of the uploads under way: their files take no space until they are written.</summary>
    private long PromisedBytes()
    {
        DateTime since = (clock.GetUtcNow() - UnderWay).UtcDateTime;
        return Directory.EnumerateDirectories(data.Uploads).Where(folder => File.Exists(Path.Combine(folder, RequestFile))).Select(folder => Path.Combine(folder, StateFile))
            .Where(state => File.Exists(state) && File.GetLastWriteTimeUtc(state) >= since).Sum(StillToCome);
    }

    private static long StillToCome(string state)
    {
        try
        {
            Upload upload = Upload.Parser.ParseFrom(File.ReadAllBytes(state));
            return upload.TotalBytes - upload.ReceivedBytes;
        }
        catch (InvalidProtocolBufferException)
        {
            // A damaged upload is no trouble of the others.
            return 0;
        }
    }

    /// <exception cref="NotFoundException">There is no such upload.</exception>
    public Upload Get(string id)
    {
        lock (_gate) return Upload.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(Folder(id), StateFile)));
    }

    /// <summary>Those that are under way of one name: each announcement of other contents is an upload of its own.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    public IReadOnlyList<Upload> Of(UploadKind kind, string name)
    {
        lock (_gate)
        {
            Upload[] found =
            [
                .. Directory.EnumerateDirectories(data.Uploads).Select(folder => Path.GetFileName(folder)).Where(IsThere)
                    .Where(id => RequestOf(id) is var request && request.Kind == kind && request.Name == name).Select(Get),
            ];
            return found.Length > 0 ? found : throw new NotFoundException("upload", $"{kind.ToString().ToLowerInvariant()}/{name}", "Nothing of that name is being uploaded.");
        }
    }

    public BeginUploadRequest RequestOf(string id) => BeginUploadRequest.Parser.ParseFrom(File.ReadAllBytes(Path.Combine(Folder(id), RequestFile)));

    /// <summary>The folder with the files that have arrived.</summary>
    public string FilesOf(string id) => Path.Combine(Folder(id), FilesFolder);

    /// <summary>Writes one chunk. What has arrived is recorded by <see cref="Record"/>.</summary>
    /// <exception cref="InvalidInputException">The chunk belongs to no announced file, is too large, or leads past its end.</exception>
    public void Write(WriteUploadRequest chunk)
    {
        UploadFile file = Get(chunk.UploadId).Files.FirstOrDefault(f => f.Path == chunk.Path)
            ?? throw new InvalidInputException("request", "path", $"'{chunk.Path}' was not announced for this upload.");
        if (chunk.Data.Length > LargestChunk) throw new InvalidInputException("request", "data", $"a chunk holds at most {LargestChunk} bytes.");
        if (chunk.Offset < 0 || chunk.Offset > file.SizeBytes - chunk.Data.Length) throw new InvalidInputException("request", "offset", $"the chunk leads past the file's {file.SizeBytes} bytes.");
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(Path.Combine(FilesOf(chunk.UploadId), chunk.Path), FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(handle, chunk.Data.Span, chunk.Offset);
    }

    /// <summary>Records ranges that have been written, after they are on the disk.</summary>
    public Upload Record(string id, IReadOnlyDictionary<string, ReceivedRanges> written)
    {
        foreach (string path in written.Keys) _files.SyncFile(Path.Combine(FilesOf(id), path));
        lock (_gate)
        {
            Upload upload = Get(id);
            foreach (UploadFile file in upload.Files)
            {
                if (!written.TryGetValue(file.Path, out ReceivedRanges? more)) continue;
                ReceivedRanges all = new(file.Received.Concat(more.Ranges));
                file.Received.Clear();
                file.Received.AddRange(all.Ranges);
            }
            upload.ReceivedBytes = upload.Files.Sum(f => f.Received.Sum(r => r.Length));
            Save(Folder(id), StateFile, upload);
            return upload;
        }
    }

    /// <summary>Checks that every file is whole and has its SHA-256.</summary>
    /// <exception cref="InvalidInputsException">Files that are not.</exception>
    public async Task VerifyAsync(string id, IEnumerable<FileEntry> laterHashes)
    {
        Dictionary<string, string> hashes = RequestOf(id).Files.Where(f => f.Sha256.Length > 0).ToDictionary(f => f.Path, f => f.Sha256);
        foreach (FileEntry file in laterHashes) hashes[file.Path] = file.Sha256;
        List<InvalidInputException> problems = [];
        foreach (UploadFile file in Get(id).Files)
        {
            long received = file.Received.Sum(r => r.Length);
            if (received != file.SizeBytes) problems.Add(new InvalidInputException("upload", file.Path, $"{received} of {file.SizeBytes} bytes have arrived."));
            else if (!File.Exists(Path.Combine(FilesOf(id), file.Path)))
            {
                // It had been taken over when something went wrong. Nothing of it can be used, and a new announcement starts afresh.
                Remove(id);
                throw new InvalidInputException("upload", file.Path, "is gone. Upload it again.");
            }
            else if (!hashes.TryGetValue(file.Path, out string? expected)) problems.Add(new InvalidInputException("upload", file.Path, "its SHA-256 has not been given."));
            else if (!string.Equals(await HashAsync(Path.Combine(FilesOf(id), file.Path)).ConfigureAwait(false), expected, StringComparison.OrdinalIgnoreCase))
                problems.Add(new InvalidInputException("upload", file.Path, "its SHA-256 is another: it was damaged on the way, or changed meanwhile. Upload it again."));
        }
        if (problems.Count > 0) throw new InvalidInputsException(problems);
    }

    public void Remove(string id)
    {
        lock (_gate) Folders.DeleteIfThere(Folder(id), _files);
    }

    /// <summary>
    /// Removes what a daemon that was killed left of uploads that it had half begun, or of which it had taken files over: nothing of them can be used, and a new announcement
    /// starts afresh. Nobody else writes there yet.
    /// </summary>
    public static void RemoveBroken(string uploads, IFileLayer files)
    {
        foreach (string folder in Directory.EnumerateDirectories(uploads).Where(IsBroken).ToArray()) Folders.DeleteIfThere(folder, files);
    }

    private static bool IsBroken(string folder)
    {
        string request = Path.Combine(folder, RequestFile);
        try
        {
            return !File.Exists(request) || BeginUploadRequest.Parser.ParseFrom(File.ReadAllBytes(request)).Files.Any(file => !File.Exists(Path.Combine(folder, FilesFolder, file.Path)));
        }
        catch (InvalidProtocolBufferException)
        {
            return true;
        }
    }

    private static async Task<string> HashAsync(string file)
    {
        await using FileStream stream = File.OpenRead(file);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream).ConfigureAwait(false));
    }

    private static void Check(BeginUploadRequest request)
    {
        List<InvalidInputException> problems = [];
        if (!ResourceNames.IsValid(request.Name)) problems.Add(new InvalidInputException("request", "name", "use letters, digits, '.', '-' and '_', at most 100, beginning with a letter or digit."));
        if (request.Files.Count is 0 or > MostFiles) problems.Add(new InvalidInputException("request", "files", $"between 1 and {MostFiles} files make an upload."));
        if (request.Kind == UploadKind.Dataset && request.Files.Count != 1) problems.Add(new InvalidInputException("request", "files", "a dataset is one file."));
        if (request.Kind == UploadKind.Dataset && request.Files.Count == 1 && !DatasetSummary.IsEnding(DatasetFile.EndingOf(request.Files[0].Path)))
            problems.Add(new InvalidInputException("request", "files.path", $"'{Path.GetFileName(request.Files[0].Path)}' has not the ending of a dataset: {string.Join(", ", DatasetFile.Endings)}, also with .gz or .zst, or .safetensors."));
        foreach (FileEntry file in request.Files)
        {
            if (!Folders.IsSafeRelative(file.Path)) problems.Add(new InvalidInputException("request", "files.path", $"'{file.Path}' is no relative path below the upload."));
            if (file.SizeBytes is < 0 or > MostBytes) problems.Add(new InvalidInputException("request", "files.size_bytes", $"{file.SizeBytes} is no size."));
        }
        if (request.Files.Select(f => f.Path).Distinct(StringComparer.Ordinal).Count() != request.Files.Count) problems.Add(new InvalidInputException("request", "files", "a path comes twice."));
        if (problems.Count > 0) throw new InvalidInputsException(problems);
    }

    /// <summary>The same announcement has the same id, which is how a broken upload is found again.</summary>
    private static string Id(BeginUploadRequest request) => Convert.ToHexStringLower(SHA256.HashData(request.ToByteArray()))[..32];

    private string FolderOf(string id) => Path.Combine(data.Uploads, id);

    private bool IsThere(string id) => id.Length == 32 && id.All(char.IsAsciiHexDigitLower) && File.Exists(Path.Combine(FolderOf(id), RequestFile));

    private string Folder(string id) => IsThere(id)
        ? FolderOf(id) : throw new NotFoundException("upload", id, "Begin it again.");

    /// <summary>The old or the new one, whole, whenever the power fails.</summary>
    private void Save(string folder, string name, IMessage message)
    {
        string temporary = Path.Combine(folder, name + ".new");
        _files.WriteFile(temporary, message.ToByteArray());
        _files.SyncFile(temporary);
        _files.RenameFile(temporary, Path.Combine(folder, name));
        _files.SyncFolder(folder);
    }
}
