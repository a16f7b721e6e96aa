using Lema.Engine.Devices;
using Lema.Engine.Generation;
using Lema.Engine.Models;
using Lema.Engine.Training;
using Lema.Engine.Weights;
using static TorchSharp.torch;
using Proto = Lema.Protocol.V1;

namespace Lema.Server.EngineJobs;

/// <summary>A model with its tokenizer, open for replies. Lives as long as its job.</summary>
internal sealed class OpenModel : IDisposable
{
    /// <summary>Share of a device's free memory that slots may take; the rest is for activations, keys and values.</summary>
    private const double ShareOfFree = 0.7;

    private readonly IDevice _device;

    private OpenModel(LanguageModel model, ModelText text, IDevice device) => (Model, Text, _device) = (model, text, device);

    public LanguageModel Model { get; }

    public ModelText Text { get; }

    /// <summary>
    /// Bounds of replies. Keys and values that memory does not hold go to the data folder, whose cache the daemon names to its workers: the system's folder for temporary
    /// files may be memory, or small.
    /// </summary>
    public GeneratorOptions Bounds { get; } = new() { StateFolder = Environment.GetEnvironmentVariable("LEMA_CACHE") is { Length: > 0 } cache ? cache : null };

    public static OpenModel Open(Proto.ModelFolders folders)
    {
        ModelText text = ModelText.Load(folders.Model);
        IDevice device = ComputeDevices.Open();
        try
        {
            LanguageModel model = LanguageModel.Open(folders.Model, new ModelOptions
            {
                Precision = PrecisionOf(folders),
                WeightBytes = folders.WeightBytes > 0 ? folders.WeightBytes : null,
                Device = device,
                DeviceBytes = device.SharesHostMemory ? null : (long)(ShareOfFree * device.Memory().FreeBytes),
                Adapters = folders.Adapter.Length > 0 ? ModelOptions.FromFolder(folders.Adapter) : null,
            });
            return new OpenModel(model, text, device);
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Model.Dispose();
        _device.Dispose();
    }

    private static Precision PrecisionOf(Proto.ModelFolders folders) => folders.Precision switch
    {
        Proto.RunSettings.Types.Precision.Fp32 => Precision.Fp32,
        Proto.RunSettings.Types.Precision.Fp16 => Precision.Fp16,
        Proto.RunSettings.Types.Precision.Bf16 => Precision.Bf16,
        _ => StoredInBf16(folders.Model) ? Precision.Bf16 : Precision.Fp32,
    };

    private static bool StoredInBf16(string folder)
    {
        GlobalBinaryIndex index = GlobalBinaryIndex.Open(folder);
        return index.Tensors.Where(tensor => tensor.Type == ScalarType.BFloat16).Sum(tensor => tensor.ByteCount) * 2 > index.TotalBytes;
    }
}
