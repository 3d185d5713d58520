"""A Modbus unit made with pymodbus: pymodbus_unit.py serial PATH UNIT | tcp PORT UNIT | tls PORT UNIT.
Register n holds 100 + n. tls: MBAP inside mutual TLS, as the server hl7 of the PKI."""
import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.framer.rtu_framer import ModbusRtuFramer
from pymodbus.framer.socket_framer import ModbusSocketFramer
from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer, ModbusTlsServer

import tls


async def serve(kind, place, unit):
    slave = ModbusSlaveContext(
        di=ModbusSequentialDataBlock(0, [True, False] * 8), co=ModbusSequentialDataBlock(0, [False] * 16),
        hr=ModbusSequentialDataBlock(0, list(range(100, 132))), ir=ModbusSequentialDataBlock(0, list(range(100, 132))),
        zero_mode=True)
    context = ModbusServerContext(slaves={unit: slave}, single=False)
    identity = ModbusDeviceIdentification(info_name={"VendorName": "Somebody", "ProductCode": "U1",
                                                     "MajorMinorRevision": "1.0"})
    if kind == "serial":
        # No parity: pseudo-terminals refuse it, and pymodbus says nothing then.
        server = ModbusSerialServer(context, ModbusRtuFramer, identity=identity, port=place, baudrate=19200,
                                    bytesize=8, parity="N", stopbits=1, ignore_missing_slaves=True)
        await server.start()
        print("ready", flush=True)
    elif kind == "tls":
        # Its own framer for TLS leaves the MBAP header out.
        server = ModbusTlsServer(context, framer=ModbusSocketFramer, identity=identity,
                                 address=("127.0.0.1", int(place)), sslctx=tls.server_context("hl7"),
                                 allow_reuse_address=True)
    else:
        server = ModbusTcpServer(context, identity=identity, address=("127.0.0.1", int(place)),
                                 allow_reuse_address=True)
    await server.serve_forever()


asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3])))
