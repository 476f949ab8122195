# cmake -DINPUT=openapi.json -DOUTPUT=openapi.c -P embed.cmake
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)" "\\1\n" bytes
  "${bytes}")
file(WRITE ${OUTPUT} "/* made from openapi.json */
#include \"daemon/openapi.h\"

const unsigned char rd_openapi_json[] = {
${bytes}};
const size_t rd_openapi_json_size = sizeof rd_openapi_json;
")
