using System.Runtime.CompilerServices;
using TorchSharp;

namespace Lema.Engine.Tests;

/// <summary>Test projects run side by side; on models this small a second thread for each would only have them wait for one another.</summary>
internal static class OneThread
{
    [ModuleInitializer]
    internal static void Use() => torch.set_num_threads(1);
}
