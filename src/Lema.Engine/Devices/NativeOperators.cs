using System.Runtime.InteropServices;
using TorchSharp;

namespace Lema.Engine.Devices;

/// <summary>Operators of libtorch that TorchSharp does not wrap, through its dispatcher (torch/csrc/inductor/aoti_torch/c/shim.h).</summary>
internal static unsafe partial class NativeOperators
{
    // libtorch is loaded by TorchSharp, whose resolver knows where it lies; its exports resolve only afterwards.
    static NativeOperators() => torch.InitializeDeviceType(DeviceType.CPU);

    /// <summary>Gradient of the input of a softmax over the last dimension, from its output and that output's gradient, all of one type.</summary>
    public static torch.Tensor SoftmaxBackward(torch.Tensor gradient, torch.Tensor output)
    {
        ulong* stack = stackalloc ulong[4];
        (stack[0], stack[1], stack[2], stack[3]) = (Argument(gradient), Argument(output), unchecked((ulong)-1L), (ulong)gradient.dtype);
        return Call("aten::_softmax_backward_data", stack);
    }

    private static torch.Tensor Call(string name, ulong* stack)
    {
        if (CallDispatcher(name, "", stack) != 0) throw new InvalidOperationException($"libtorch failed to run {name}.");
        return torch.Tensor.UnsafeCreateTensor((nint)stack[0]);
    }

    /// <summary>The dispatcher consumes the handles that it is given.</summary>
    private static ulong Argument(torch.Tensor tensor) =>
        NewTensorHandle(tensor.Handle, out nint handle) == 0 ? (ulong)handle : throw new InvalidOperationException("libtorch gave no second handle of a tensor.");

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_call_dispatcher", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CallDispatcher(string operation, string overload, ulong* stack);

    [LibraryImport("torch_cpu", EntryPoint = "aoti_torch_new_tensor_handle")]
    private static partial int NewTensorHandle(nint tensor, out nint handle);
}
