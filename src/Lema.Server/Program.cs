using System.CommandLine;
using Lema.Server.Commands;

return await ServerCommands.Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
