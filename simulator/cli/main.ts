process.stdout.write('thingbench\n')
