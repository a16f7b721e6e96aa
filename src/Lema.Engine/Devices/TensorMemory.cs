using System.Runtime.InteropServices;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>The memory under tensors, without copies, through the C ABI that libtorch exports (torch/csrc/inductor/aoti_torch/c/shim.h).</summary>
internal static unsafe partial class TensorMemory
{
    // libtorch is loaded by TorchSharp, whose resolver knows where it lies; its exports resolve only afterwards.
    static TensorMemory() => torch.InitializeDeviceType(DeviceType.CPU);

    /// <summary>A tensor over memory that the caller keeps alive; not part of any dispose scope.</summary>
    /// <param name="type">Element type; <paramref name="data"/> has to be aligned to its size.</param>
    public static torch.Tensor View(nint data, torch.ScalarType type, IReadOnlyList<long> shape, torch.Device? device = null)
    {
        int rank = shape.Count;
        long* sizes = stackalloc long[Math.Max(rank, 1)];
        long* strides = stackalloc long[Math.Max(rank, 1)];
        long stride = 1;
        for (int axis = rank - 1; axis >= 0; axis--)
        {
            sizes[axis] = shape[axis];
            strides[axis] = stride;
            stride *= Math.Max(shape[axis], 1);
        }
        int error = CreateTensorFromBlob(data, rank, sizes, strides, 0, (int)type, (int)(device?.type ?? DeviceType.CPU), Math.Max(device?.index ?? 0, 0), out nint handle);
        if (error != 0) throw new InvalidOperationException($"libtorch could not make a view of type {type} and shape [{string.Join(", ", shape)}].");
        return torch.Tensor.UnsafeCreateTensor(handle).DetachFromDisposeScope();
    }

    /// <summary>A one-dimensional host tensor of some stored elements, wherever in memory they lie, in the caller's dispose scope.</summary>
    public static torch.Tensor Copy(ReadOnlySpan<byte> elements, torch.ScalarType type)
    {
        torch.Tensor copy = torch.empty(elements.Length / torch.empty(0, dtype: type).element_size(), dtype: type);
        elements.CopyTo(Bytes(copy));
        return copy;
    }

    /// <summary>Address of the first element.</summary>
    public static nint Pointer(torch.Tensor tensor)
    {
        int error = GetDataPointer(tensor.Handle, out nint data);
        return error == 0 ? data : throw new InvalidOperationException("libtorch gave no data pointer.");
    }

    /// <summary>The bytes of a contiguous tensor in host memory, of up to 2 GiB.</summary>
    public static Span<byte> Bytes(torch.Tensor tensor) => new((void*)Pointer(tensor), checked((int)ByteCount(tensor)));

    public static long ByteCount(torch.Tensor tensor) => tensor.numel() * tensor.element_size();

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_create_tensor_from_blob")]
    private static partial int CreateTensorFromBlob(nint data, long rank, long* sizes, long* strides, long storageOffset, int type, int deviceType, int deviceIndex, out nint tensor);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_get_data_ptr")]
    private static partial int GetDataPointer(nint tensor, out nint data);
}
