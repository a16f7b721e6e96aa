using Lema.Cli;
using Lema.Cli.Terminals;

using Interrupts interrupts = Interrupts.OfProcess();
return await CliApplication.RunAsync(args, ProcessEnvironment.Create(interrupts));
